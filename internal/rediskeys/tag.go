package rediskeys

import (
	"fmt"
	"strings"
)

// Tag writes a name, which must not be empty, so that it can be the hash tag of
// keys, a part of a longer name, and one segment of an address: ASCII letters,
// digits and "-", "_", "." stay, and every other byte becomes "%" and two digits.
// A brace would end the tag early, and a cluster would then keep the keys of one
// script apart. No two names give the same text.
func Tag(name string) string {
	var tag strings.Builder
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.':
			tag.WriteByte(c)
		default:
			fmt.Fprintf(&tag, "%%%02X", c)
		}
	}
	return tag.String()
}
