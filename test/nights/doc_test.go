// Package nights runs whole nights in seconds: workers, commands, Redis, the bucket and the
// simulator together, in a synctest bubble whose time is virtual. The simulator's ledger is
// the judge.
//
// Most nights are examples, each with what it is about. [TestNight] draws them from seeds:
// who works on what under which limits (drawnscript_test.go), and what befalls them when
// (troubles_test.go: workers killed between any two steps, Redis away, emptied or a second
// behind, a bucket that fails, a person at the commands, every lie of the simulator). In the
// morning all becomes calm, everything is submitted once more, and every promise is held
// against the ledger (verdict_test.go). One that is broken prints the night and the timeline
// of the job.
//
//	NIGHTSHIFT_TEST_LONG=1 go test ./test/nights         # all nights and twelve seeds; without it fewer
//	go test ./test/nights -run TestNight -seed 44        # one night, again
//	go test ./test/nights -run TestNight -seeds 1000     # the nights of the seeds 1 to 1000
//	go test ./test/nights -run TestNight -fresh 5m       # then nights of new seeds
//	go test ./test/nights -run TestLargeNight -large 20000 -timeout 1h
//
// What a seed draws is fixed; which of two goroutines is first is not, so that a night may
// have to be run several times until it fails again.
//
// A new capability of the program is a file that registers itself: what is drawn of it, what
// it does in a night, how it is judged, and what has to happen in some night of a long set
// (capability_test.go says how; drawnwindows_test.go is one). A new trouble is a line in
// troubles_test.go, a new lie of the simulator one in drawnFaults, lies that break something
// only together one in constellations, a new shape of batches one in shapes, and a new promise
// of all nights a function in verdict_test.go. Whether any night holds a promise is tried out
// by breaking it: see the command in the folder mutants.
package nights
