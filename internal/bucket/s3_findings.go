package bucket

import (
	"fmt"
	"strings"
)

// Findings are what a server was seen to do, and what follows from it.
type Findings struct {
	Encrypted   bool // the connection is
	ShortKept   bool // a body that ended early became visible, when nothing but its length told
	Trailer     bool // a stream with its checksum behind it arrives byte for byte, and a short one never appears
	KeepsCRC32  bool // the server tells the checksum of an object that it keeps
	HeaderCRC32 bool // bytes that do not fit the CRC32 before them are refused
	ContentMD5  bool // and those that do not fit their MD5
	IfNoneMatch bool // a second object under a name can be refused
	IfMatch     bool // and one that does not replace what it should
	Continue    bool // the server says whether it takes an object before its bytes are sent
	ContentType bool // the type of an object comes back

	Stream bool // images stream through; otherwise each is buffered first
}

// String is one line for each finding.
func (f Findings) String() string {
	var text strings.Builder
	say := func(what string, ok bool, yes, no string) {
		if !ok {
			yes = no
		}
		fmt.Fprintf(&text, "%-22s %s\n", what, yes)
	}
	say("connection", f.Encrypted, "encrypted", "not encrypted")
	say("short bodies", !f.ShortKept, "refused", "kept by the server when nothing but their length tells; Nightshift always sends a checksum")
	say("checksum behind", f.Trailer, "works", "not to be relied on")
	say("checksum before", f.HeaderCRC32, "CRC32 is checked", "CRC32 is not checked, MD5 is used")
	if !f.HeaderCRC32 {
		say("MD5", f.ContentMD5, "is checked", "is not checked either; sizes are compared afterwards")
	}
	say("stored checksum", f.KeepsCRC32, "is told", "is not told; it is kept as metadata")
	say("conditional put", f.IfNoneMatch, "works", "does not work; the last writer of a name wins")
	say("conditional replace", f.IfMatch, "works", "does not work; logs are compacted by one process at a time")
	say("early refusal", f.Continue, "works", "does not work; what is refused is sent first")
	say("content type", f.ContentType, "is kept", "is lost; browsers may not show the images")
	say("images", f.Stream, "stream through", "are buffered before they are sent")
	return text.String()
}

// attrs are the findings for a log.
func (f Findings) attrs() []any {
	return []any{
		"stream", f.Stream, "encrypted", f.Encrypted, "short_kept", f.ShortKept, "trailer", f.Trailer, "keeps_crc32", f.KeepsCRC32,
		"header_crc32", f.HeaderCRC32, "content_md5", f.ContentMD5, "if_none_match", f.IfNoneMatch, "if_match", f.IfMatch,
		"continue", f.Continue, "content_type", f.ContentType,
	}
}
