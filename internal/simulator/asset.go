package simulator

import (
	"time"

	"nightshift/internal/simulator/picture"
)

// asset is an image: one of a run, or one that was uploaded.
type asset struct {
	id       string
	owner    *Key
	made     time.Time // it exists from then on
	run      *run      // that makes it; nil for an upload
	upload   *upload   // that it came with; nil for a result
	deleted  bool      // guarded by book.mu
	parent   string    // the id of the asset that it was made from, if it names one
	kind     assetKind
	spec     picture.Spec
	tool     picture.Tool   // that makes it of its sources
	sources  []source       // that it is drawn from
	format   picture.Format // of the bytes
	claimed  picture.Format // what record and header say
	size     int64          // bytes; 0 until drawn, guarded by imageCache.mu
	data     []byte         // of an upload
	seedText string
}

// source is an image that another is drawn from.
type source struct {
	asset *asset
	share float64 // how much of it shows
}

// assetKind is what a record says of where its asset comes from. Scenario API: both words
// are of closed lists; which of them stand on images of custom models is not known.
type assetKind struct{ kind, source string }

var (
	kindUploaded  = assetKind{"uploaded", "uploaded"}
	kindFromText  = assetKind{"inference-txt2img", "inference-txt"}
	kindFromImage = assetKind{"inference-img2img", "inference-img"}
	kindCutOut    = assetKind{"background-removal", "background-removal"}
	kindEnlarged  = assetKind{"upscale", "upscale"}
)

// there reports whether an asset exists by now. The caller holds the book's mu.
func (a *asset) there(now time.Time) bool {
	return !a.deleted && !a.made.After(now) && (a.run == nil || a.run.succeeded(now))
}

// root is the first of the assets that one leads back to; "" where it is itself the first.
func (a *asset) root() string {
	if a.parent == "" {
		return ""
	}
	for _, source := range a.sources {
		if source.asset.id == a.parent {
			if root := source.asset.root(); root != "" {
				return root
			}
		}
	}
	return a.parent
}
