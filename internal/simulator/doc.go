// Package simulator is a double of the Scenario image API: an [http.Handler] that
// authenticates, validates, prices, limits, queues, draws and charges as the real
// one does, fails on request, and keeps a ledger of what it charged.
//
// It promises to run anywhere a handler runs. It starts no goroutine: a job's
// statuses are worked out from the time of the question and times drawn when the
// job was accepted, so a simulator needs no closing and works inside a
// testing/synctest bubble. [Transport] connects an http.Client to it without a
// network.
//
// The paths: the API under /v1, result links and those for parts of uploads under /cdn
// (the part of the separate hosts for files), and the controls of the simulator itself
// under /_sim.
//
// Facts about the real API are marked "Scenario API:". Where the real answer is
// not known, the comment says that the text is the simulator's own.
package simulator
