#!/usr/bin/env bash
# Runs the plugin's tests with each supported pytest line, and prints one line per line of pytest.
#
#   pytest/tests/matrix.sh                  all lines
#   pytest/tests/matrix.sh 8 9              only these
#   pytest/tests/matrix.sh 8 -- -k xdist    with arguments for pytest
#
# Environments are made once, under ${WHARF_MATRIX_DIR:-target/pytest-matrix}, and made anew only when what
# goes into them changed. Pythons are those found here: `python3.X` on PATH, or pyenv's. Each line of pytest
# takes the first of its preferred Pythons; where only 3.11 is installed, all of them take that.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repo=$(cd "$here/../.." && pwd)
matrix_dir=${WHARF_MATRIX_DIR:-$repo/target/pytest-matrix}

pythons_for() {
    case $1 in
        6.2) echo "3.6 3.8 3.9 3.10 3.7 3.11" ;;
        7.4) echo "3.8 3.9 3.10 3.11 3.12 3.7" ;;
        8) echo "3.12 3.11 3.10 3.13 3.9" ;;
        9) echo "3.14 3.13 3.12 3.11 3.10" ;;
        *) echo "matrix: no line \`$1\` (6.2, 7.4, 8, 9)" >&2; return 2 ;;
    esac
}

packages_for() {
    local common="coverage pytest-cov pytest-xdist pytest-asyncio pytest-rerunfailures anyio"
    case $1 in
        6.2) echo "pytest~=6.2.0 pytest-subtests<0.7 $common<4" ;; # newer ones want what 6.2 has not, and do not say so
        7.4) echo "pytest~=7.4.0 pytest-subtests $common" ;;
        8) echo "pytest>=8,<9 pytest-subtests $common" ;;
        9) echo "pytest>=9,<10 $common" ;;
    esac
}

# The path of a working CPython 3.X. A pyenv shim without a selected version is on PATH and does not run.
find_python() {
    local candidate
    for candidate in "python$1" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$1".*/bin/python; do
        if "$candidate" -c "import sys, venv; sys.exit('%d.%d' % sys.version_info[:2] != '$1')" >/dev/null 2>&1; then
            "$candidate" -c 'import sys; print(sys.executable)'
            return 0
        fi
    done
    return 1
}

make_venv() {
    local venv=$1 python=$2 packages=$3
    rm -rf "$venv"
    # shellcheck disable=SC2086  # the packages are words
    if command -v uv >/dev/null 2>&1 && uv venv -q --python "$python" "$venv" 2>/dev/null \
        && uv pip install -q --compile-bytecode --python "$venv/bin/python" $packages; then
        :
    else
        rm -rf "$venv"
        "$python" -m venv "$venv"
        "$venv/bin/python" -m pip install -q --disable-pip-version-check $packages
    fi
    echo "$python $packages" >"$venv/.wharf-made-of"
}

lines=()
while (($#)); do
    case $1 in
        --) shift; break ;;
        *) lines+=("$1"); shift ;;
    esac
done
((${#lines[@]})) || lines=(6.2 7.4 8 9)

mkdir -p "$matrix_dir"
failed=0
for line in "${lines[@]}"; do
    candidates=$(pythons_for "$line")
    python=
    for version in $candidates; do
        if python=$(find_python "$version"); then break; fi
    done
    if [[ -z $python ]]; then
        echo "pytest $line: FAILED: none of python $candidates is here"
        failed=1
        continue
    fi
    venv=$matrix_dir/pytest-$line
    packages=$(packages_for "$line")
    log=$matrix_dir/pytest-$line.log
    if [[ $(cat "$venv/.wharf-made-of" 2>/dev/null || true) != "$python $packages" ]]; then
        if ! make_venv "$venv" "$python" "$packages" >"$log" 2>&1; then
            echo "pytest $line: FAILED: no environment, see $log"
            failed=1
            continue
        fi
    fi
    if [[ ${WHARF_MATRIX_ONLY_MAKE:-} == 1 ]]; then
        echo "pytest $line: ready in $venv"
        continue
    fi
    what=$("$venv/bin/python" -c 'import sys, pytest; print("pytest %s, python %d.%d.%d" % ((pytest.__version__,) + sys.version_info[:3]))')
    if (cd "$repo" && "$venv/bin/python" -m pytest -p no:cacheprovider -n 4 -q "$@" pytest/tests) >"$log" 2>&1; then
        echo "$what: ok: $(tail -n 1 "$log" | tr -d '=' | sed 's/^ *//; s/ *$//')"
    else
        echo "$what: FAILED, see $log: $(tail -n 1 "$log" | tr -d '=' | sed 's/^ *//; s/ *$//')"
        failed=1
    fi
done
exit "$failed"
