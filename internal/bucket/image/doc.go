// Package image knows images: which formats are stored and how their names end,
// whether what streams past is a whole one, and what is kept beside it. A new format
// is an entry of the table in format.go and a checker of its structure.
//
// [Guard] checks an image while it streams past, in constant memory. [Sidecar] says
// whose image an object is; a folder keeps it in a file, an S3 server as metadata.
package image
