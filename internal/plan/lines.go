package plan

import (
	"errors"
	"io"

	"nightshift/internal/job"
)

// Lines reads the written plan: all jobs in their order, one a line, with status and
// price. Each reader begins at the first. Several may be read at once, until Close.
func (p *Plan) Lines() io.Reader { return &lines{from: p.spool.read(), shapes: p.Shapes} }

// Close gives back what the plan keeps for its lines. It may be called again.
func (p *Plan) Close() error { return p.spool.close() }

// Running are the jobs that run, of those that are asked for. The error is that of the
// temporary file.
func (p *Plan) Running(asked func(id job.ID) bool) (map[job.ID]bool, error) {
	running := make(map[job.ID]bool)
	for jobs := p.spool.read(); ; {
		next, err := jobs.next()
		if errors.Is(err, io.EOF) {
			return running, nil
		}
		if err != nil {
			return nil, err
		}
		if id := next.id(); next.status.Runs() && asked(id) {
			running[id] = true
		}
	}
}

type lines struct {
	from   *spoolReader
	shapes []Shape
	buffer []byte
	left   []byte // of buffer
	err    error  // after what is left
}

func (l *lines) Read(to []byte) (int, error) {
	if len(l.left) == 0 {
		l.fill()
	}
	if len(l.left) == 0 {
		return 0, l.err
	}
	n := copy(to, l.left)
	l.left = l.left[n:]
	return n, nil
}

// fill readies as many lines as readers take at once.
func (l *lines) fill() {
	const enough = 64 << 10
	l.buffer = l.buffer[:0]
	for l.err == nil && len(l.buffer) < enough {
		var next *spooled
		if next, l.err = l.from.next(); l.err != nil {
			break
		}
		quote := job.CU(0) // of a job that does not run
		if next.status.Runs() || next.status == Waiting {
			quote = l.shapes[next.shape].Each
		}
		l.buffer = appendEnd(append(l.buffer, next.line...), quote, next.status)
	}
	l.left = l.buffer
}
