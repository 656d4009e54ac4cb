package nights

// The exit codes of the programs, as their help tells them.
const (
	exitDone        = 0
	exitUnexpected  = 1
	exitInput       = 2
	exitSomeFailed  = 3
	exitInterrupted = 130
)
