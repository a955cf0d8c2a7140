# Sourced by the other scripts, never run: finds a Python, makes .venv in the checkout, installs what a script needs.

say() { printf '%s\n' "$*" >&2; }

# A Python >= 3.11 that really starts: pyenv and the like put names on the path that do not.
find_python() {
    for python in "${PYTHON:-}" python3.13 python3.12 python3.11 python3 python; do
        [ -n "$python" ] || continue
        if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$python"
            return 0
        fi
    done
    return 1
}

# environment FOLDER EXTRAS: FOLDER is a virtual environment with `-e .[EXTRAS]`, installed again only when pyproject.toml changed.
environment() {
    if ! "$1/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$(find_python) || {
            say "provgraph needs Python 3.11 or newer, and none was found; install one, or name it: PYTHON=/path/to/python $0"
            return 1
        }
        say "Making $1 with $python ..."
        if ! "$python" -m venv --clear "$1" >&2; then
            rm -rf "$1"
            say "$python cannot make a virtual environment; on Debian and Ubuntu: sudo apt install python3-venv"
            return 1
        fi
    fi
    stamp="$1/.installed-$2"
    wanted=$("$1/bin/python" -c 'import hashlib; print(hashlib.sha256(open("pyproject.toml", "rb").read()).hexdigest())')
    if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
        say "Installing provgraph[$2] into $1; this is done once ..."
        "$1/bin/python" -m pip install --quiet --disable-pip-version-check --editable ".[$2]" >&2 || {
            say "The installation did not succeed; what pip says above tells why. Run the same command again when it is mended."
            return 1
        }
        printf '%s\n' "$wanted" > "$stamp"
    fi
}
