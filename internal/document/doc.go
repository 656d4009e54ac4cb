// Package document reads YAML and JSON into one tree whose values know where they
// stand, and collects what is wrong with them for the person who wrote the file,
// with file, line and column. Files that people must not see quoted, because they
// may hold secrets, are read by a private [Reader].
package document
