#!/usr/bin/env bash
# Checks that a package of its own can depend on Heed: by a git URL and a version, without building the command's packages.
# The programs of README.md (the first), docs/guide.md (all blocks in turn) and Tests/Programs are built and run in such a package.
# What the guide prints must be what its blocks of `text` say, what Tests/Programs print what printed.txt says.
# Usage: scripts/test-dependency.sh [FOLDER]    FOLDER keeps the package between runs; .build-dependency unless given.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "${1:-$root/.build-dependency}"
work=$(cd "${1:-$root/.build-dependency}" && pwd)
swift=${SWIFT:-swift}

fail() {
  echo "test-dependency: error: $1" >&2
  exit 1
}

# The working tree as a repository of one commit and one version. The same files make the same commit and version.
git_heed() { git --git-dir="$work/heed.git" --work-tree="$root" "$@"; }
rm -rf "$work/heed.git"
git init --quiet --bare --initial-branch=main "$work/heed.git"
git_heed add --all
tree=$(git_heed write-tree)
version=0.1.$((16#${tree:0:7}))
export GIT_AUTHOR_NAME=test GIT_AUTHOR_EMAIL=test@example.com GIT_AUTHOR_DATE="2000-01-01T00:00:00Z"
export GIT_COMMITTER_NAME=$GIT_AUTHOR_NAME GIT_COMMITTER_EMAIL=$GIT_AUTHOR_EMAIL GIT_COMMITTER_DATE=$GIT_AUTHOR_DATE
commit=$(git_heed commit-tree "$tree" -m "$version")
git_heed update-ref refs/heads/main "$commit"
git_heed tag "$version" "$commit"

# blocks LANGUAGE FILE: the code blocks of a language, one after the other, each after a line \x1e.
blocks() { awk -v open_="\`\`\`$1" '$0 == open_ { inside = 1; print "\036"; next } $0 == "```" { inside = 0 } inside' "$2"; }

# The package: the guide's own manifest, with the local repository for the URL.
package=$work/package
mkdir -p "$package/Sources/Readme" "$package/Sources/Guide" "$package/Sources/Programs"
write() { cmp --silent "$package/$1" - <<<"$2" || printf '%s\n' "$2" >"$package/$1"; }
guide=$(blocks swift "$root/docs/guide.md")
manifest=$(awk 'BEGIN { RS = "\036\n" } /swift-tools-version/' <<<"$guide")
write Package.swift "$(sed -e "s|https://example.com/heed.git|file://$work/heed.git|" -e 's|"MyModel"|"Guide"|' <<<"$manifest" |
  sed -e 's|^  targets: \[|&\n    .executableTarget(name: "Readme", dependencies: [.product(name: "Heed", package: "heed")]),|' \
    -e 's|^  targets: \[|&\n    .executableTarget(name: "Programs", dependencies: [.product(name: "Heed", package: "heed")]),|')"
write Sources/Guide/main.swift "$(awk 'BEGIN { RS = "\036\n" } NR > 1 && !/swift-tools-version/' <<<"$guide")"
write Sources/Programs/main.swift "$(cat "$root/Tests/Programs/main.swift")"
write Sources/Readme/main.swift "$(blocks swift "$root/README.md" | awk 'BEGIN { RS = "\036\n" } NR == 2')"

# The packages that Heed depends on come from this checkout's build folder, where they are there: no network is needed.
options=(--package-path "$package" --disable-dependency-cache --security-path "$work/security" --config-path "$work/configuration")
for source in apple/swift-argument-parser apple/swift-collections apple/swift-log jpsim/Yams; do
  name=${source#*/}
  fetched=$(find "$root/.build/repositories" -maxdepth 1 -name "$name-*" 2>/dev/null | head -n 1)
  [ -n "$fetched" ] || continue
  ln -sfn "$fetched" "$work/$name"
  "$swift" package "${options[@]}" config set-mirror --original "https://github.com/$source" --mirror "file://$work/$name"
done
rm -f "$package/Package.resolved"
"$swift" package "${options[@]}" update >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "the packages could not be resolved"; }
"$swift" build "${options[@]}" >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "the package did not build"; }
bin=$("$swift" build "${options[@]}" --show-bin-path)

grep -q "\"version\" : \"$version\"" "$package/Package.resolved" || fail "got another version of Heed than $version: see $package/Package.resolved"
for module in ArgumentParser Yams HeedRecipes HeedCommand; do
  built=$(find "$bin" -name "$module.swiftmodule" -o -path "*/$module.build/*.o" | head -n 1)
  [ -z "$built" ] || fail "the library's user built $module: $built"
done

"$bin/Readme" >"$work/readme.txt" || fail "README's first program failed"
grep -q "fuse-attention" "$work/readme.txt" || fail "README's first program did not say what it fused: see $work/readme.txt"
grep -q "f32\[1, 8, 500, 64\]$" "$work/readme.txt" || fail "README's first program did not print its result: see $work/readme.txt"
"$bin/Guide" >"$work/guide.txt" || { cat "$work/guide.txt" >&2; fail "the guide's program failed"; }
diff -u <(blocks text "$root/docs/guide.md" | grep -v $'\036') "$work/guide.txt" >&2 ||
  fail "the guide's program printed (+) what its blocks of text do not say (-)"
"$bin/Programs" >"$work/programs.txt" || { cat "$work/programs.txt" >&2; fail "Tests/Programs failed"; }
diff -u "$root/Tests/Programs/printed.txt" "$work/programs.txt" >&2 ||
  fail "Tests/Programs printed (+) what Tests/Programs/printed.txt does not say (-)"
echo "a package that depends on Heed $version builds and runs README's first program, the guide's and those of Tests/Programs"
