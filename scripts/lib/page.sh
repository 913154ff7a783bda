# shellcheck shell=sh
# Pages of doc/ in which people write what they say, and lists what they list: between `<!-- NAME: printed ... -->`
# and `<!-- end of NAME -->` stands what is printed, and the rest of a page is nobody's but its writers'.

# page_with PAGE: prints the page with other lists, which come on stdin, each under a line `=NAME`. Fails where the
# page has no place for one of them, has a place for another, or does not end one.
page_with() {
	awk -v page="$1" '
		function fail(why) {
			print page " " why > "/dev/stderr"
			failed = 1
			exit 1
		}
		FILENAME == "-" && /^=/ { name = substr($0, 2); list[name] = ""; next }
		FILENAME == "-" { list[name] = list[name] $0 "\n"; next }
		inside != "" && $0 == "<!-- end of " inside " -->" { inside = "" }
		inside != "" { next }
		{ print }
		/^<!-- [a-z ]+: printed / {
			inside = $0
			gsub(/^<!-- |: printed .*/, "", inside)
			if (!(inside in list))
				fail("has a place for " inside ", which nothing prints")
			print "\n" list[inside]
			delete list[inside]
		}
		END {
			if (failed)
				exit 1
			if (inside != "")
				fail("does not end " inside)
			for (name in list)
				fail("has no place for " name)
		}
	' - "$1"
}

# page_keep HOW PAGE LISTS: puts the lists into the page; with HOW `check` it fails where that would change it.
page_keep() {
	page_text=$(printf '%s\n' "$3" | page_with "$2") || return
	if [ "$1" != check ]; then
		printf '%s\n' "$page_text" >"$2.new" && mv "$2.new" "$2"
	elif [ "$page_text" != "$(cat "$2")" ]; then
		echo "doc/${2##*/} is out of date: run scripts/${0##*/}" >&2
		return 1
	else
		echo "doc/${2##*/} says what the lists in src/catalog say"
	fi
}
