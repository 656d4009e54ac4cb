package image

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"

	"nightshift/internal/job"
)

// Metadata says whose image an object is. It is kept beside the object, so that a
// bucket tells by itself what was already paid for.
type Metadata struct {
	Batch     string `json:"batch"`
	Job       job.ID `json:"job"`
	Row       string `json:"row,omitempty"` // the manifest's id of the row
	Model     string `json:"model,omitempty"`
	Seed      string `json:"seed,omitempty"`
	Inference string `json:"inference,omitempty"` // the provider's id of the run
	Asset     string `json:"asset,omitempty"`     // the provider's id of the image
	Index     int    `json:"index"`               // place among the job's images, from 0
}

// SameImage reports whether both speak of the same image of the same job.
func (m Metadata) SameImage(other Metadata) bool {
	return m.Job == other.Job && m.Asset == other.Asset && m.Index == other.Index
}

// Sidecar is what is kept beside an image.
type Sidecar struct {
	Metadata Metadata  `json:"metadata"`
	Image    job.Image `json:"image"`
}

// Describe is an image of a name within its batch's folder, as its guard found it.
func Describe(name string, m Metadata, info Info) job.Image {
	return job.Image{
		Key:     name,
		Asset:   m.Asset,
		Bytes:   info.Bytes,
		Format:  string(info.Format),
		Width:   info.Width,
		Height:  info.Height,
		CRC32:   fmt.Sprintf("%08x", info.CRC32),
		Warning: nameWarning(name, info.Format),
	}
}

// Encode writes the sidecar as a file.
func (s Sidecar) Encode() []byte {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(s); err != nil {
		panic(fmt.Sprintf("image: a sidecar of plain fields did not encode: %v", err))
	}
	return text.Bytes()
}

// Fields are the sidecar as named texts, for a store that keeps those. Those that are
// optional, which people wrote, may be left out where there is no room; empty ones
// need not be kept.
func (s Sidecar) Fields() (required, optional map[string]string) {
	m, image := s.Metadata, s.Image
	return map[string]string{
			"job": string(m.Job), "asset": m.Asset, "index": strconv.Itoa(m.Index),
			"bytes": strconv.FormatInt(image.Bytes, 10), "format": image.Format,
			"size": fmt.Sprintf("%dx%d", image.Width, image.Height), "crc32": image.CRC32,
		}, map[string]string{
			"batch": m.Batch, "row": m.Row, "model": m.Model, "seed": m.Seed, "inference": m.Inference,
		}
}

// FromFields reads what [Sidecar.Fields] gave, for an object of a name within its
// batch's folder. It reports false for what is no sidecar, or not one of an object of
// this size.
func FromFields(name string, size int64, fields map[string]string) (Sidecar, bool) {
	index, indexErr := strconv.Atoi(fields["index"])
	bytes, bytesErr := strconv.ParseInt(fields["bytes"], 10, 64)
	var width, height int
	_, sizeErr := fmt.Sscanf(fields["size"], "%dx%d", &width, &height)
	if indexErr != nil || bytesErr != nil || sizeErr != nil || bytes != size {
		return Sidecar{}, false
	}
	return Sidecar{
		Metadata: Metadata{
			Batch: fields["batch"], Job: job.ID(fields["job"]), Row: fields["row"], Model: fields["model"],
			Seed: fields["seed"], Inference: fields["inference"], Asset: fields["asset"], Index: index,
		},
		Image: job.Image{
			Key: name, Asset: fields["asset"], Bytes: bytes, Format: fields["format"], Width: width, Height: height,
			CRC32: fields["crc32"], Warning: nameWarning(name, Format(fields["format"])),
		},
	}, true
}
