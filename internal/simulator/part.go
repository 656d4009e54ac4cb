package simulator

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// part is a piece of an upload; nil until it has come.
type part []byte

// putPart takes a part of an upload, as the store behind a signed link does. Scenario API:
// the body alone and no API key; a part that is sent again replaces the one before.
func (s *Simulator) putPart(w http.ResponseWriter, r *http.Request) {
	if _, refused := s.links.open(r, time.Now()); refused != nil {
		refused.write(w)
		return
	}
	found := s.book.upload(r.PathValue("id"))
	number, err := strconv.Atoi(r.PathValue("number"))
	if found == nil || err != nil || number < 1 || number > len(found.parts) {
		noSuchPart.write(w)
		return
	}
	if s.fault(FaultCutUpload) != nil {
		cutBody(r)
	}
	data, err := io.ReadAll(io.LimitReader(r.Body, int64(found.size)+1))
	switch {
	case err != nil:
		(&linkRefusal{http.StatusBadRequest, "IncompleteBody", "The body was not sent whole"}).write(w)
	case len(data) > found.size:
		(&linkRefusal{http.StatusBadRequest, "EntityTooLarge", "The part is larger than the whole file was to be"}).write(w)
	case !s.book.keepPart(found, number, data):
		noSuchPart.write(w)
	default:
		w.Header().Set("Etag", strconv.Quote(describe(data).sum[:32]))
		w.WriteHeader(http.StatusOK)
	}
}

var noSuchPart = &linkRefusal{http.StatusNotFound, "NoSuchUpload", "The upload does not exist, or is complete"}

// cutBody reads half of what is being sent, then drops the connection.
func cutBody(r *http.Request) {
	// What cannot be read has been cut already.
	_, _ = io.CopyN(io.Discard, r.Body, max(0, r.ContentLength/2))
	dropConnection()
}

// keepPart keeps a part, and reports false where the upload takes none any more.
func (b *book) keepPart(u *upload, number int, data []byte) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if u.complete {
		return false
	}
	u.parts[number-1] = data
	return true
}

// joinParts reads the file whose parts have come, or says why it is none that was
// announced. The words are the simulator's own. The upload is closed, so that its parts
// stay as they are.
func joinParts(u *upload) (read *content, failure string) {
	read = describe(bytes.Join(toSlices(u.parts), nil))
	for i, part := range u.parts {
		if part == nil {
			return read, fmt.Sprintf("Part %d was not uploaded", i+1)
		}
		if len(part) < minPartBytes && i < len(u.parts)-1 {
			return read, fmt.Sprintf("Part %d is smaller than the minimum allowed size", i+1)
		}
	}
	if len(read.data) != u.size {
		return read, fmt.Sprintf("The file has %d bytes, not %d as announced", len(read.data), u.size)
	}
	err := read.readPixels()
	if err == nil && read.format.MIME() != u.mime {
		err = errors.New("the file is " + read.format.MIME() + ", not " + u.mime)
	}
	if err != nil {
		return read, "The file is not valid: " + err.Error()
	}
	return read, ""
}

func toSlices(parts []part) [][]byte {
	slices := make([][]byte, len(parts))
	for i, part := range parts {
		slices[i] = part
	}
	return slices
}
