package stories

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// deadline bounds every wait of a script; a machine under load needs far less.
const deadline = 90 * time.Second

// process is a program that a script runs in the background.
type process struct {
	cmd            *exec.Cmd
	stdout, stderr *output
	ended          chan struct{} // closed when the process has ended
}

// output collects what a process prints, to be read while it runs.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// processes are those of one script.
type (
	processesKey struct{}
	processes    struct {
		killed time.Time           // when one was killed last
		byName map[string]*process // the last of each name
		all    []*process
	}
)

func processOf(ts *testscript.TestScript, name string) *process {
	p, known := ts.Value(processesKey{}).(*processes).byName[name]
	if !known {
		ts.Fatalf("no process %s was started", name)
	}
	return p
}

// passedOn are the variables that a background process gets of the script's.
var passedOn = []string{
	pathVariable, "PATH", "HOME", "TMPDIR", "GOCOVERDIR", "GORACE", "NO_COLOR",
	"SCENARIO_API_KEY", "SCENARIO_API_SECRET", "SCENARIO_API_URL", "SCENARIO_PROJECT_ID",
	"NIGHTSHIFT_GRACE", "NIGHTSHIFT_DRAIN", "NIGHTSHIFT_REQUESTS_PER_MINUTE", "NIGHTSHIFT_PARALLEL",
	"NIGHTSHIFT_LOG_LEVEL", "NIGHTSHIFT_LINK_HOSTS", "NIGHTSHIFT_MAX_CU", "NIGHTSHIFT_KEYS", "NIGHTSHIFT_REDIS",
	"NIGHTSHIFT_OUT", "NIGHTSHIFT_BUCKET", "NIGHTSHIFT_LISTEN", "NIGHTSHIFT_WORKER", "NIGHTSHIFT_LOG_FORMAT", "LIVE_KEY", "KEY_A", "KEY_B", "KEY_C", "SECRET",
	"STUDIO_A_KEY", "STUDIO_A_SECRET", "SIMULATOR_KEY", "GOTRACEBACK",
}

// spawn starts a process that dies with the script at the latest.
func spawn(ts *testscript.TestScript, name, program string, args ...string) *process {
	p := &process{stdout: new(output), stderr: new(output), ended: make(chan struct{})}
	path, err := exec.LookPath(program)
	ts.Check(err)
	p.cmd = exec.Command(path, args...)
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = ts.MkAbs("."), p.stdout, p.stderr
	p.cmd.Env = []string{"PWD=" + p.cmd.Dir}
	for _, variable := range passedOn {
		if value := ts.Getenv(variable); value != "" {
			p.cmd.Env = append(p.cmd.Env, variable+"="+value)
		}
	}
	ts.Check(p.cmd.Start())
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // how it ended is read from ProcessState
	}()
	ts.Defer(func() {
		_ = p.cmd.Process.Kill() // it may have ended by itself
		<-p.ended
	})
	started := ts.Value(processesKey{}).(*processes)
	started.byName[name], started.all = p, append(started.all, p)
	return p
}

// exits runs a program and demands its exit code: exits 3 enqueue run m.yaml
func exits(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) < 2, "exits CODE PROGRAM [ARG...]")
	demandEnd(ts, spawn(ts, args[1], args[1], args[2:]...), args[1], args[0])
}

// took demands an exit code within a time: took 20s exits 0 enqueue run m.yaml
func took(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) < 4 || args[1] != "exits", "took DURATION exits CODE PROGRAM [ARG...]")
	most, err := time.ParseDuration(args[0])
	ts.Check(err)
	started := time.Now()
	exits(ts, false, args[2:])
	if needed := time.Since(started); needed > most*slowdown {
		ts.Fatalf("took %s, want at most %s", needed.Round(time.Millisecond), most)
	}
}

// start runs a program in the background: start first enqueue run m.yaml
func start(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) < 2, "start NAME PROGRAM [ARG...]")
	p := spawn(ts, args[0], args[1], args[2:]...)
	ts.Setenv(args[0]+"_pid", strconv.Itoa(p.cmd.Process.Pid))
}

// sendSignal sends one to a process of this script: signal first KILL
func sendSignal(ts *testscript.TestScript, neg bool, args []string) {
	known := map[string]os.Signal{"INT": os.Interrupt, "KILL": os.Kill, "QUIT": syscall.SIGQUIT, "TERM": syscall.SIGTERM}
	usage(ts, neg || len(args) != 2 || known[args[1]] == nil, "signal NAME INT|TERM|KILL|QUIT")
	p := processOf(ts, args[0])
	if err := p.cmd.Process.Signal(known[args[1]]); err != nil {
		ts.Fatalf("%s: %v; it printed:\n%s%s", args[0], err, p.stdout, p.stderr)
	}
	if args[1] == "KILL" {
		ts.Value(processesKey{}).(*processes).killed = time.Now()
	}
}

// ends waits for a process and demands its exit code, or "killed". What it
// printed can be matched with stdout and stderr then.
func ends(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 2, "ends NAME CODE|killed")
	demandEnd(ts, processOf(ts, args[0]), args[0], args[1])
}

// demandEnd waits for the end of a process and compares its exit code. One that
// does not end in time is made to show its goroutines.
func demandEnd(ts *testscript.TestScript, p *process, name, want string) {
	select {
	case <-p.ended:
	case <-time.After(deadline * slowdown):
		ts.Check(p.cmd.Process.Signal(syscall.SIGQUIT))
		select {
		case <-p.ended:
		case <-time.After(deadline):
		}
		ts.Fatalf("%s has not ended after %s; it printed:\n%s%s", name, deadline*slowdown, p.stdout, p.stderr)
	}
	fmt.Fprint(ts.Stdout(), p.stdout)
	fmt.Fprint(ts.Stderr(), p.stderr)
	got := strconv.Itoa(p.cmd.ProcessState.ExitCode())
	if got == "-1" {
		got = "killed"
	}
	if got != want {
		ts.Fatalf("%s ended with %s, want %s; it printed:\n%s%s", name, got, want, p.stdout, p.stderr)
	}
}

// killAtRandom runs a program so many times and kills each run at a moment drawn
// up to the time given; runs that end earlier are fine:
// killatrandom 8 seed=1 900ms enqueue run m.yaml
func killAtRandom(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) < 4, "killatrandom TIMES seed=N MOST PROGRAM [ARG...]")
	times, err := strconv.Atoi(args[0])
	ts.Check(err)
	seed, err := strconv.ParseUint(strings.TrimPrefix(args[1], "seed="), 10, 64)
	ts.Check(err)
	most, err := time.ParseDuration(args[2])
	ts.Check(err)
	moments := rand.New(rand.NewPCG(seed, 0))
	for range times {
		moment := time.Duration(moments.Int64N(int64(most)))
		p := spawn(ts, "victim", args[3], args[4:]...)
		select {
		case <-p.ended:
		case <-time.After(moment):
			ts.Check(p.cmd.Process.Kill())
			<-p.ended
		}
		ts.Logf("killed after %s: %s", moment.Round(time.Millisecond), p.stderr)
	}
}

// printed checks that a background process has printed a text so far:
// waitfor printed first 'collecting'
func printed(ts *testscript.TestScript, args []string) error {
	usage(ts, len(args) != 2, "printed NAME REGEXP")
	p := processOf(ts, args[0])
	if text := p.stdout.String() + p.stderr.String(); !regexp.MustCompile(args[1]).MatchString(text) {
		return fmt.Errorf("%s printed no %q but:\n%s", args[0], args[1], text)
	}
	return nil
}

// says runs a program and checks that it prints a text:
// waitfor says 'running +2' enqueue keys
func says(ts *testscript.TestScript, args []string) error {
	usage(ts, len(args) < 2, "says REGEXP PROGRAM [ARG...]")
	p := spawn(ts, args[1], args[1], args[2:]...)
	<-p.ended
	if text := p.stdout.String() + p.stderr.String(); !regexp.MustCompile(args[0]).MatchString(text) {
		return fmt.Errorf("%s printed no %q but:\n%s", p.cmd, args[0], text)
	}
	return nil
}

func usage(ts *testscript.TestScript, wrong bool, text string) {
	if wrong {
		ts.Fatalf("usage: %s", text)
	}
}
