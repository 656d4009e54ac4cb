package redisclient

import (
	"bufio"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"nightshift/internal/job"
	"time"

	"github.com/redis/go-redis/v9"
)

// saying listens like a Redis that greets with words and closes, or that answers each line
// with words.
func saying(t *testing.T, greets bool, words string) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // the test is over
			}
			if !greets {
				_, _ = bufio.NewReader(conn).ReadString('\n')
			}
			_, _ = conn.Write([]byte(words))
			_ = conn.Close()
		}
	}()
	return listener.Addr().String()
}

// TestRedisThatLoadsIsAway lets who waits for a Redis know the trouble for one that passes.
func TestRedisThatLoadsIsAway(t *testing.T) {
	t.Parallel()
	at := saying(t, true, "-LOADING Redis is loading the dataset in memory\r\n")
	_, err := Connect(t.Context(), "redis://"+at+"/0", 5*time.Second)
	_, unreached := errors.AsType[net.Error](err)
	if !unreached && !errors.Is(err, io.EOF) && !redis.IsLoadingError(err) {
		t.Errorf("not known for a Redis that is away: %v", err)
	}
	if err == nil || !strings.Contains(err.Error(), "loading what it holds") {
		t.Errorf("error %v; want that it is loading", err)
	}
}

// TestRedisThatLetsNobodyIn says what it is and what to do.
func TestRedisThatLetsNobodyIn(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		greets             bool
		words, means, hint string
	}{
		"protected mode":   {true, "-DENIED Redis is running in protected mode because protected mode is enabled\r\n", "protected mode", "requirepass"},
		"too many clients": {true, "-ERR max number of clients reached\r\n", "as many clients as it takes", "maxclients"},
		"no Redis":         {false, "HTTP/1.1 400 Bad Request\r\n\r\n", "does not answer", "no Redis"},
		"says nothing":     {true, "", "does not answer: EOF", "rediss://"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := saying(t, test.greets, test.words)
			_, err := Connect(t.Context(), "redis://:hidden-word@"+at+"/0", 5*time.Second)
			if err == nil || !strings.Contains(err.Error(), at) || !strings.Contains(err.Error(), test.means) || !strings.Contains(job.Hint(err), test.hint) {
				t.Errorf("error %v, hint %q; want %q and %q", err, job.Hint(err), test.means, test.hint)
			}
			if err != nil && strings.Contains(err.Error()+job.Hint(err), "hidden-word") {
				t.Errorf("it shows the password: %v", err)
			}
		})
	}
}

func TestRawPasswordInAnAddress(t *testing.T) {
	t.Parallel()
	for address, raw := range map[string]bool{
		"redis://:p@ss@host:6379/0":                     true,
		"redis://:p/ss@host:6379/0":                     true,
		"redis://user:p#ss@host:6379/0":                 true,
		"rediss://user:a@b/c#d@host":                    true,
		"redis://:p%40s%2Fs%23@host:6379/0":             false,
		"redis://host:6379/0":                           false,
		"redis://host:6379/0?addr=b:1&addr=c:2":         false,
		"redis://:word@host:6379?master_name=a@b":       false,
		"redis://user:word@host:6379/0?client_name=a@b": false,
	} {
		if rawPassword(address) != raw {
			t.Errorf("rawPassword(%q) is %t", address, !raw)
		}
		if !raw {
			continue
		}
		_, err := Connect(t.Context(), address, 5*time.Second)
		if !errors.Is(err, errRawPassword) || !strings.Contains(job.Hint(err), "%40") {
			t.Errorf("%q: error %v, hint %q", address, err, job.Hint(err))
		}
	}
}
