package simulator

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"nightshift/internal/simulator/picture"
)

// download answers the bytes of an image.
func (s *Simulator) download(w http.ResponseWriter, r *http.Request) {
	if asset := s.opened(w, r); asset != nil {
		s.writeImage(w, r, asset.claimed, asset.format, s.images.bytes(asset))
	}
}

// downloadTransform answers the bytes of the transform of an image.
func (s *Simulator) downloadTransform(w http.ResponseWriter, r *http.Request) {
	if asset := s.opened(w, r); asset != nil {
		s.writeImage(w, r, transformFormat, transformFormat, s.images.transform(asset))
	}
}

// opened is the asset behind a link; where there is none to give, the request is answered.
func (s *Simulator) opened(w http.ResponseWriter, r *http.Request) *asset {
	if _, refused := s.links.open(r, time.Now()); refused != nil {
		refused.write(w)
		return nil
	}
	asset := s.book.asset(r.PathValue("id"), time.Now())
	if asset == nil || s.fault(FaultMissingFile) != nil {
		(&linkRefusal{http.StatusNotFound, "NoSuchKey", "The file does not exist"}).write(w)
		return nil
	}
	return asset
}

// writeImage answers an image, whole or with a fault.
func (s *Simulator) writeImage(w http.ResponseWriter, r *http.Request, claimed, format picture.Format, data []byte) {
	if s.fault(FaultHTMLDownload) != nil {
		writeWebPage(w)
		return
	}
	if s.fault(FaultCorruptImage) != nil {
		data = corrupted(data, format)
	}
	if s.fault(FaultUndecodableImage) != nil {
		data = undecodable(data, format)
	}
	w.Header().Set("Content-Type", claimed.MIME())
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.WriteHeader(http.StatusOK)
	if s.fault(FaultTruncateDownload) != nil {
		// Written and flushed before the connection goes, so that the half
		// arrives.
		_, _ = w.Write(data[:len(data)/2])
		flush(w)
		dropConnection()
	}
	if fault := s.fault(FaultTrickle); fault != nil {
		writeSlowly(r.Context(), w, data, 1, fault.duration())
		return
	}
	if fault := s.fault(FaultSlowDownload); fault != nil {
		writeSlowly(r.Context(), w, data, len(data)/slowChunks+1, fault.duration()/slowChunks)
		return
	}
	// A client that has gone is no error of the simulator's.
	_, _ = w.Write(data)
}

func writeWebPage(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte("<!doctype html><title>Please wait</title><p>Checking your browser before you continue.</p>\n"))
}

func flush(w http.ResponseWriter) {
	// A writer that cannot flush has written already.
	_ = http.NewResponseController(w).Flush()
}

// slowChunks is in how many parts a slow download arrives.
const slowChunks = 20

// writeSlowly writes so many bytes at a time with a pause after each, and stops when the
// client has gone.
func writeSlowly(ctx context.Context, w http.ResponseWriter, data []byte, size int, pause time.Duration) {
	over := pause * time.Duration(len(data)/size+1)
	// A server's own limit on the time of a reply must not end it earlier; a
	// writer without such limits needs nothing.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(over + time.Minute))
	timer := time.NewTimer(0)
	defer timer.Stop()
	for chunk := range slices.Chunk(data, size) {
		if _, err := w.Write(chunk); err != nil {
			return
		}
		flush(w)
		timer.Reset(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
	}
}

// corrupted returns a copy with one byte changed, at a place where a decoder of
// the format notices: PNG has check sums, JPEG gets a marker amid its data, and
// WebP, which has neither, loses its signature.
func corrupted(data []byte, format picture.Format) []byte {
	damaged := bytes.Clone(data)
	switch format {
	case picture.JPEG:
		pixels := bytes.Index(damaged, []byte{0xff, 0xda}) // tables before them are changed unnoticed
		at := (pixels + len(damaged)) / 2
		for at < len(damaged)-2 && (damaged[at] == 0xff || damaged[at-1] == 0xff || damaged[at+1] == 0 || damaged[at+1] >= 0xc0) {
			at++
		}
		damaged[at] = 0xff
	case picture.WebP:
		damaged[20] ^= 0xff // the VP8L signature
	default:
		damaged[len(damaged)/2] ^= 0x10
	}
	return damaged
}
