#!/bin/sh
# Makes .venv and installs the locked requirements and this project into it. A second run does nothing.
set -eu
cd "$(dirname "$0")/.."

venv=.venv
stamp=$venv/.installed
# The checkout's place is part of it: an environment does not survive being moved.
locked="$(cksum <requirements.lock) $(pwd)"
wanted="$locked $(cksum <pyproject.toml)"
found=$(cat "$stamp" 2>/dev/null || true)

install_project() {
    "$venv/bin/python" -m pip --disable-pip-version-check install -qq --no-deps --no-build-isolation -e .
    # Written last, so that an interrupted installation starts again.
    echo "$wanted" >"$stamp"
}

case $found in
"$locked"*)
    if "$venv/bin/python" -c '' 2>/dev/null; then
        if [ "$found" = "$wanted" ]; then touch "$stamp"; else install_project; fi
        exit 0
    fi
    ;;
esac

python='' old=''
# The system's own comes first: distributions build it for speed, which pyenv does not unless it is told to,
# and a send takes a sixth more of a processor then.
for candidate in ${PYTHON:-/usr/bin/python3 python3.13 python3.12 python3.11 python3}; do
    # A name on PATH may be an empty shim, so each is tried.
    "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
    if "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
        python=$candidate
        break
    fi
    old=${old:-$candidate}
done

if [ -z "$python" ]; then
    if [ -n "$old" ]; then
        version=$("$old" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        echo "$old cannot make a virtual environment. Type: sudo apt install python$version-venv" >&2
    else
        echo "Python 3.11 or newer is not here. Type: sudo apt install python3 python3-venv" >&2
    fi
    exit 1
fi

rm -f "$stamp"
echo "Making $venv with $("$python" --version) (once; about a minute)"
"$python" -m venv --clear "$venv"
# --no-deps: the lock is whole, and pip 23 fails on a pin that another package asks for with an extra
# (coverage[toml]) as soon as a newer release of it is out.
"$venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq \
    --require-hashes --no-deps --only-binary :all: -r requirements.lock
install_project
