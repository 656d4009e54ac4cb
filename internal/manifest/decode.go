package manifest

import "nightshift/internal/document"

// maxSamples bounds the images of one row; more are several rows.
const maxSamples = 1000

// decoder reads what a manifest consists of out of nodes of one file.
type decoder struct{ document.Reader }

// newDecoder returns one that collects problems of the file in the list.
func newDecoder(file string, problems *document.Problems) decoder {
	return decoder{document.Reader{File: file, Problems: problems}}
}
