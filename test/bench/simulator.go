package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"time"
)

const simulatorKey = "sim" // key and secret of a simulator without a keys file

// conditions are what the simulator is to be like.
type conditions struct {
	latency       time.Duration // of every inference
	rpm, parallel int           // -1 for no limit
	clientRPM     int           // what the product is told; 0 for its default
	inMemory      bool          // the folder of the images is on no disk
}

type simulatorProcess struct {
	*process
	url string
}

// startSimulator starts one in a process of its own.
func (l *lab) startSimulator(ctx context.Context, room string, c conditions) (*simulatorProcess, error) {
	p, err := l.start(ctx, room, "simulator", nil, l.program("simulator"), "-addr", "127.0.0.1:0", "-seed", "1",
		"-latency", c.latency.String(), "-rpm", strconv.Itoa(c.rpm), "-parallel", strconv.Itoa(c.parallel))
	if err != nil {
		return nil, err
	}
	s := &simulatorProcess{process: p}
	return s, until(ctx, p, func() (bool, error) {
		text, err := os.ReadFile(p.log)
		s.url = regexp.MustCompile(`http://[0-9.:]+`).FindString(string(text))
		return s.url != "", err
	})
}

// totals are sums of the simulator's ledger.
type totals struct {
	Accepted, Succeeded int
	Requests            map[string]int64
	RateLimited         int64
}

// counted is how many requests were answered, those refused for their rate not
// included.
func (t totals) counted() (n int64) {
	for _, of := range t.Requests {
		n += of
	}
	return n
}

// totals asks for the sums, which costs the client nothing.
func (s *simulatorProcess) totals(ctx context.Context) (totals, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/_sim/ledger?totals=true", nil)
	if err != nil {
		return totals{}, err
	}
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		return totals{}, fmt.Errorf("ask for the ledger: %w", err)
	}
	defer reply.Body.Close()
	var body struct{ Totals totals }
	if err := json.NewDecoder(reply.Body).Decode(&body); err != nil {
		return totals{}, fmt.Errorf("read the ledger: %w", err)
	}
	return body.Totals, nil
}
