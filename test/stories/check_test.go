package stories

import (
	"fmt"
	"regexp"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"nightshift/internal/job"
)

// check is a command that demands something; it says what is wrong.
type check func(ts *testscript.TestScript, args []string) error

func command(c check) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		err := c(ts, args)
		switch {
		case neg && err == nil:
			ts.Fatalf("holds, and must not")
		case !neg:
			ts.Check(err)
		}
	}
}

// waitFor repeats a check until it holds: waitfor ledger accepted>=3
func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	checks := map[string]check{"ledger": ledger, "lines": countLines, "printed": printed, "says": says}
	usage(ts, neg || len(args) < 2 || checks[args[0]] == nil, "waitfor ledger|lines|printed|says ARG...")
	pause := 20 * time.Millisecond
	if args[0] == "says" {
		pause = 250 * time.Millisecond // each look is a process
	}
	started := time.Now()
	for {
		err := checks[args[0]](ts, args[1:])
		if err == nil {
			return
		}
		if time.Since(started) > deadline {
			ts.Fatalf("waited %s: %v", deadline, err)
		}
		time.Sleep(pause)
	}
}

// demand is one comparison, such as paid<=100.
var demand = regexp.MustCompile(`^([\w.-]+)(==|!=|<=|>=)(.*)$`)

// holds checks one comparison with what value returns for its name. Numbers are
// compared as such.
func holds(text string, value func(name string) (string, error)) error {
	parts := demand.FindStringSubmatch(text)
	if parts == nil {
		return fmt.Errorf("%q: want NAME==VALUE, or !=, <=, >=", text)
	}
	got, err := value(parts[1])
	if err != nil {
		return err
	}
	if !compare(got, parts[2], parts[3]) {
		return fmt.Errorf("%s is %s, want %s", parts[1], got, text)
	}
	return nil
}

func compare(got, operator, want string) bool {
	number, err := job.ParseCU(got)
	limit, limitErr := job.ParseCU(want)
	switch {
	case operator == "==":
		return got == want
	case operator == "!=":
		return got != want
	case err != nil || limitErr != nil:
		return false
	case operator == "<=":
		return number <= limit
	default:
		return number >= limit
	}
}
