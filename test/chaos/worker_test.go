package chaos

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"
)

// worker is one place in the fleet, in which a process runs most of the time.
type worker struct {
	world   *world
	name    string
	redis   *link
	process *process
	log     *os.File
	standUp time.Time // when it goes on; zero if it does not stand still
	asked   time.Time // when it was told to stop; zero if it was not
	life    int       // of the processes, to tell them apart
}

func (w *world) newWorker(number int) *worker {
	name := "worker-" + strconv.Itoa(number)
	m := &worker{world: w, name: name, redis: newLink(w.t, name+" to redis", w.redis.Addr()), log: w.logFile(name + ".log")}
	m.start()
	w.watchWorker(m)
	return m
}

// environ are the settings that workers and enqueue share.
func (w *world) environ(redis, name string) []string {
	return append(w.bucket.environ(name),
		"NIGHTSHIFT_REDIS=redis://"+redis+"/0",
		"NIGHTSHIFT_KEYS="+w.keysFile(), "CHAOS_KEY=sim", "NIGHTSHIFT_GRACE="+grace.String(), "NIGHTSHIFT_DRAIN="+drain.String(),
		"NIGHTSHIFT_LISTEN=127.0.0.1:0", "NIGHTSHIFT_WORKER="+name,
	)
}

func (m *worker) start() {
	m.life++
	m.asked = time.Time{}
	m.process = start(m.world.t, "worker", m.world.dir, m.world.environ(m.redis.addr(), m.name), nil, m.log)
	fmt.Fprintf(m.log, "--- process %d\n", m.process.cmd.Process.Pid)
	m.world.note("%s starts as process %d", m.name, m.process.cmd.Process.Pid)
}

// startLater starts a process in place of one that has ended.
func (m *worker) startLater(after time.Duration) {
	m.world.after(after, func() {
		if m.process.over() {
			m.start()
		}
	})
}

func (m *worker) runs() bool {
	return !m.process.over() && m.standUp.IsZero() && m.asked.IsZero()
}

func (m *worker) signal(s syscall.Signal) {
	if err := m.process.cmd.Process.Signal(s); err != nil && !m.process.over() {
		m.world.t.Errorf("send %s to %s: %v", s, m.name, err)
	}
}

// kill ends the process at once and starts another after a pause.
func (m *worker) kill(pause time.Duration) {
	m.world.note("kill -9 of %s, starts again in %s", m.name, pause.Round(time.Millisecond))
	m.signal(syscall.SIGKILL)
	<-m.process.ended
	m.standUp = time.Time{}
	m.startLater(pause)
}

// term asks the process to stop, and starts another after a pause.
func (m *worker) term(pause time.Duration) {
	m.world.note("SIGTERM to %s", m.name)
	m.signal(syscall.SIGTERM)
	m.asked = time.Now()
	m.awaitStop(pause)
}

// stopLimit is how long a worker may take to stop: its drain time and what follows.
const stopLimit = drain + 40*time.Second

func (m *worker) awaitStop(pause time.Duration) {
	switch {
	case m.process.over():
		m.world.note("%s has stopped after %s with code %d", m.name, time.Since(m.asked).Round(time.Millisecond), m.process.cmd.ProcessState.ExitCode())
		if code := m.process.cmd.ProcessState.ExitCode(); code != 0 {
			m.world.trouble("%s was asked to stop and ended with code %d", m.name, code)
		}
		m.startLater(pause)
	case time.Since(m.asked) > stopLimit:
		m.signal(syscall.SIGQUIT) // its goroutines are in its log
		m.world.trouble("%s was asked to stop and has not after %s", m.name, stopLimit)
	default:
		m.world.after(100*time.Millisecond, func() { m.awaitStop(pause) })
	}
}

// freeze lets the process stand still for a time.
func (m *worker) freeze(d time.Duration) {
	m.world.note("SIGSTOP of %s for %s", m.name, d.Round(time.Millisecond))
	m.signal(syscall.SIGSTOP)
	m.standUp = time.Now().Add(d)
	process := m.process
	m.world.after(d, func() {
		if m.process == process && !m.standUp.IsZero() {
			m.thaw()
		}
	})
}

func (m *worker) thaw() {
	m.world.note("SIGCONT of %s", m.name)
	m.standUp = time.Time{}
	m.signal(syscall.SIGCONT)
}

// watchWorker looks out for processes that end though nobody told them to.
func (w *world) watchWorker(m *worker) {
	seen := 0
	var look func()
	look = func() {
		if m.process.over() && m.asked.IsZero() && m.life != seen && m.process.cmd.ProcessState.ExitCode() != -1 {
			seen = m.life
			w.trouble("%s ended by itself with code %d", m.name, m.process.cmd.ProcessState.ExitCode())
			m.startLater(time.Second)
		}
		w.after(500*time.Millisecond, look)
	}
	w.after(500*time.Millisecond, look)
}
