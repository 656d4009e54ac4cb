// Command bench measures the figures that docs/performance.md promises, each beside
// a plain client under the same settings of the same simulator, and prints them as a
// table:
//
//	go run ./test/bench                    every row; about forty minutes
//	go run ./test/bench -short             the same rows, smaller
//	go run ./test/bench -write cpu memory  two rows, and puts them into the page
//
// All servers are processes of their own on free ports of the loopback, with their
// own folders, and end with it. It needs redis-server in the PATH.
package main
