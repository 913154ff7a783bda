# shellcheck shell=bash
# Everything that scripts share, in the order in which it builds on itself.
for part in common users packages npm postgres conninfo state process build database daemon nginx; do
	# shellcheck source=/dev/null
	. "${BASH_SOURCE[0]%/*}/$part.sh"
done
unset part
