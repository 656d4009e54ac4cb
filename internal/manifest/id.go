package manifest

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"strings"

	"nightshift/internal/job"
)

// deriveID names an item that has no id by its first variable or its prompt and
// by a hash of its content, so that the name stays when other items come or go.
func deriveID(l *layer) string {
	readable := l.prompt
	if len(l.variables) > 0 {
		readable = l.variables[0].text
	}
	const most = 40
	words := slug(readable)
	words = strings.Trim(words[:min(len(words), most)], "-_.@=")
	words = strings.ToValidUTF8(words, "") // a letter may have been cut in two
	if words == "" {
		words = "row"
	}
	return words + "-" + contentHash(l)
}

func contentHash(l *layer) string {
	hash := sha256.New()
	write := func(part string) {
		// Writing to a hash never fails.
		_, _ = io.WriteString(hash, part)
		_, _ = hash.Write([]byte{0})
	}
	write(l.model)
	write(l.prompt)
	write(l.output)
	for _, v := range l.variables {
		write(v.name)
		write(v.text)
	}
	inputs := make(job.Inputs, len(l.parameters))
	for _, p := range l.parameters {
		inputs[p.name] = p.value
	}
	write(string(inputs.Canonical()))
	for _, in := range l.images {
		write(in.name)
		for _, text := range in.texts {
			write(text)
		}
	}
	for _, need := range l.needs {
		write(need)
	}
	return hex.EncodeToString(hash.Sum(nil)[:4])
}
