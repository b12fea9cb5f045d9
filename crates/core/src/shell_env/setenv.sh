# Sets up the shell that sources it, for this workspace: `. @FOLDER@/setenv.sh`. Written by `wharf setenv --write`.
# A runnable dir on top: `eval "$(wharf setenv DIR)"`. Back: `eval "$(wharf setenv --undo)"`. In fish: `wharf setenv | source`.
# shellcheck shell=sh
if ! command -v wharf >/dev/null 2>&1; then
    echo 'setenv.sh: `wharf` is not on PATH' >&2
    return 4 2>/dev/null || exit 4
fi
_wharf_shell=sh
_wharf_file=
# Another shell would not even read the words of these two.
if [ -n "${BASH_VERSION-}" ]; then
    _wharf_shell=bash
    eval '_wharf_file="${BASH_SOURCE[0]}"'
elif [ -n "${ZSH_VERSION-}" ]; then
    _wharf_shell=zsh
    eval '_wharf_file="${(%):-%x}"'
fi
# Without a word where this file is, the workspace is the one around the current folder.
case $_wharf_file in
*/*) _wharf_file=${_wharf_file%/*}/ ;;
*) _wharf_file=. ;;
esac
_wharf_code=0
_wharf_said=$(wharf -C "$_wharf_file" setenv --shell "$_wharf_shell") || _wharf_code=$?
if [ "$_wharf_code" -eq 0 ]; then
    eval "$_wharf_said"
fi
unset -v _wharf_shell _wharf_file _wharf_said
# The variable is dropped by the shell that returns the code it held.
eval "unset -v _wharf_code; return $_wharf_code"
