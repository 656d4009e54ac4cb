// Package bucket stores what a batch produces, images above all, and gives one
// promise for every object: it is visible only when it is complete, and an image
// only when it is also verified. Readers never see half an object, whatever
// happens to the process, the disk or the connection while it is written.
//
// [Guard] checks an image while it streams past, in constant memory. [Local] is a
// bucket in a folder. What every kind of bucket must hold is written down as tests
// in the package buckettest.
package bucket
