package queue

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"nightshift/internal/job"
	"nightshift/internal/redistest"
)

// lines collects what is logged.
type lines struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (l *lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buffer.Write(line)
}

// ofTasks are the lines that speak of a task, without asynq's own.
func (l *lines) ofTasks(t *testing.T) []map[string]any {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []map[string]any
	for line := range bytes.Lines(l.buffer.Bytes()) {
		var attrs map[string]any
		if err := json.Unmarshal(line, &attrs); err != nil {
			t.Fatal(err)
		}
		if attrs["task"] != nil {
			found = append(found, attrs)
		}
	}
	return found
}

// TestWhatBecomesOfAFailedTask lets each task fail once with an error and looks at
// its state and at what people are told, half a minute later.
func TestWhatBecomesOfAFailedTask(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		err     error
		payload string
		runs    int
		level   string
		batch   any
		id      any
	}{
		{"invalid", fmt.Errorf("submit: %w", job.ErrInvalid), "test/potions/aaaa", 1, "ERROR", "test/potions", "aaaa"},
		{"rejected", fmt.Errorf("submit: %w", &job.RejectedError{Reason: "moderation"}), "test/potions/aaaa", 1, "ERROR", "test/potions", "aaaa"},
		{"unreadable", nil, "aaaa", 0, "ERROR", nil, nil},
		{"transient", errors.New("connection reset"), "test/potions/aaaa", 2, "WARN", "test/potions", "aaaa"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				_, client := redistest.Emulator(t)
				logged := new(lines)
				q := New(Options{Redis: client, Pool: "pool", Logger: slog.New(slog.NewJSONHandler(logged, nil))})
				runs := 0
				servers := start(t, q, func(context.Context, job.Ref) error {
					if runs++; runs > 1 {
						return nil
					}
					return test.err
				}, idle(t), time.Second)
				enqueue(t, q, client, test.payload)
				time.Sleep(30 * time.Second) // virtual
				servers.Stop()
				if runs != test.runs {
					t.Errorf("the task ran %d times, want %d", runs, test.runs)
				}
				archived := client.ZCard(t.Context(), archivedKey(q.laneName(job.Normal))).Val() == 1
				if archived != (test.level == "ERROR") {
					t.Errorf("archived: %v", archived)
				}
				told := logged.ofTasks(t)
				if len(told) != 1 || told[0]["level"] != test.level || told[0]["batch_id"] != test.batch || told[0]["job_id"] != test.id {
					t.Errorf("people are told %v", told)
				}
				if archived && told[0]["hint"] == nil {
					t.Error("people are not told what to do")
				}
			})
		})
	}
}

// enqueue adds a submit task with any payload.
func enqueue(t *testing.T, q *Queue, client redis.UniversalClient, payload string) {
	t.Helper()
	task := asynq.NewTask(submitTask, []byte(payload))
	_, err := asynq.NewClientFromRedisClient(client).EnqueueContext(t.Context(), task, asynq.Queue(q.laneName(job.Normal)), asynq.TaskID("id"))
	if err != nil {
		t.Fatal(err)
	}
}
