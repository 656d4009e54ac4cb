package bucket

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"net/url"
	"path"
	"strings"

	"nightshift/internal/bucket/image"
)

// metaPrefix begins the names of all metadata of ours; on the wire each is
// x-amz-meta-nightshift-….
const metaPrefix = "nightshift-"

// maxMetadata is how many bytes of names and values servers take, less a margin
// for those that count more than others.
const maxMetadata = 1900

// encodeMetadata writes a sidecar as metadata of its object. Values are
// percent-encoded, because servers garble what is not ASCII. CRC32 may be "" where it
// is not known before the last byte has gone. What a person wrote may be too long; the
// longest of it is then left out, and is still in the plan and log.
func encodeMetadata(side image.Sidecar) map[string]string {
	required, optional := side.Fields()
	encoded, used := map[string]string{}, 0
	add := func(name, value string) {
		if value != "" {
			encoded[metaPrefix+name] = url.PathEscape(value)
			used += len("x-amz-meta-") + len(metaPrefix) + len(name) + len(url.PathEscape(value))
		}
	}
	for name, value := range required {
		add(name, value)
	}
	for name, value := range optional {
		add(name, value)
	}
	for used > maxMetadata {
		longest := ""
		for name := range optional {
			if len(encoded[metaPrefix+name]) > len(encoded[metaPrefix+longest]) {
				longest = name
			}
		}
		if longest == "" {
			break // ids that long are no ids; the server says so
		}
		used -= len("x-amz-meta-") + len(metaPrefix) + len(longest) + len(encoded[metaPrefix+longest])
		delete(encoded, metaPrefix+longest)
	}
	return encoded
}

// decodeMetadata reads what [encodeMetadata] wrote. It reports false for an object
// that is no image of ours, or whose metadata does not fit its size.
func decodeMetadata(key string, size int64, meta map[string]string) (image.Sidecar, bool) {
	values := map[string]string{}
	for name, value := range meta {
		short, ours := strings.CutPrefix(strings.ToLower(name), metaPrefix)
		if !ours {
			continue
		}
		plain, err := url.PathUnescape(value)
		if err != nil {
			return image.Sidecar{}, false
		}
		values[short] = plain
	}
	_, within := splitBatch(key)
	return image.FromFields(within, size, values)
}

// crcHeader is a CRC32 as S3 writes it.
func crcHeader(sum uint32) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum))
}

// crcSidecar turns S3's way to write a CRC32 into that of sidecars; "" for what is
// none, such as the checksum of checksums of an object that came in parts.
func crcSidecar(header string) string {
	sum, err := base64.StdEncoding.DecodeString(header)
	if err != nil || len(sum) != 4 {
		return ""
	}
	return hex.EncodeToString(sum)
}

// contentTypes are what browsers are told of objects.
var contentTypes = map[string]string{
	".json": "application/json", ".jsonl": "application/x-ndjson", ".html": "text/html; charset=utf-8",
	".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".txt": "text/plain; charset=utf-8",
	".csv": "text/csv; charset=utf-8",
}

// contentType goes by the name of an object.
func contentType(key string) string {
	if format, _ := image.ByName(key); format != "" {
		return format.ContentType()
	}
	if known := contentTypes[strings.ToLower(path.Ext(key))]; known != "" {
		return known
	}
	return "application/octet-stream"
}
