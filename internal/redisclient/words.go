package redisclient

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"nightshift/internal/job"
)

// troubles are what a Redis says when it cannot do its work, by how that begins, with
// what it means and what a person can do.
var troubles = []struct{ prefix, means, hint string }{
	{"OOM", redisIsFull, redisNeedsRoom},
	{"MISCONF", "it cannot save what it holds, and takes no writes", "make room on its disk, or see its log"},
	{"READONLY", "it is a replica, and takes no writes", "name the primary, or its Sentinels with master_name"},
	{"DENIED", "it is in protected mode: it has no password and lets in only its own machine",
		"give it a password (requirepass) and write that into the address, redis://:password@host:port; or let it listen on an address of its own machine"},
	{"NOAUTH", "it wants a password", "write user and password into the address, redis://user:password@host:port"},
	{"WRONGPASS", "it does not know this user and password", "write user and password into the address, redis://user:password@host:port"},
	{"NOPERM", "this user may not do what is needed", "give the user all commands and keys, or write another one into the address, redis://user:password@host:port"},
	{"ERR max number of clients reached", "it has as many clients as it takes", "raise its maxclients, or end programs that use it"},
	{"LOADING", "it is loading what it holds", "wait until it has, and try again"},
	{"MASTERDOWN", "it is a replica without its primary", "start the primary, or name another Redis"},
}

const (
	redisIsFull    = "it is full and takes no more writes"
	redisNeedsRoom = "raise its maxmemory, or delete what else it holds; let its maxmemory-policy be noeviction. " +
		"Nothing is lost: what was paid is in the bucket"
)

// trouble says what an error of the Redis at an address means; err itself where that
// is not known.
func trouble(at string, err error) error {
	if _, hinted := errors.AsType[*job.HintedError](err); hinted {
		return err
	}
	for _, t := range troubles {
		if redis.HasErrorPrefix(err, t.prefix) {
			return &job.HintedError{Err: fmt.Errorf("the Redis at %s: %s: %w", at, t.means, err), Hint: t.hint}
		}
	}
	return err
}

// explaining lets a client say what a full Redis, or one that may not be written, means.
type explaining struct{ at string }

func (explaining) DialHook(next redis.DialHook) redis.DialHook { return next }

func (e explaining) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if err == nil || errors.Is(err, redis.Nil) {
			return err
		}
		if explained := e.explain(err); explained != err { //nolint:errorlint // whether it is another one
			cmd.SetErr(explained)
			return explained
		}
		return err
	}
}

func (e explaining) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		if err == nil || errors.Is(err, redis.Nil) {
			return err
		}
		for _, cmd := range cmds { // the cause stands at one of them
			if explained := e.explain(cmd.Err()); explained != cmd.Err() { //nolint:errorlint // whether it is another one
				cmd.SetErr(explained)
				err = explained
			}
		}
		return err
	}
}

// explain puts words to errors that no program acts on. Others stay as they are.
func (e explaining) explain(err error) error {
	if redis.HasErrorPrefix(err, "OOM") || redis.HasErrorPrefix(err, "MISCONF") || redis.HasErrorPrefix(err, "READONLY") {
		return trouble(e.at, err)
	}
	return err
}

// greetingTime bounds how long a server is asked what it is.
const greetingTime = time.Second

// greeting is what a server says that has closed the connection of the client: the reason
// comes before anything is asked, and the client has no eye for it. A server that is no
// Redis gives another answer. "" where nothing is said.
func greeting(ctx context.Context, at string) string {
	ctx, cancel := context.WithTimeout(ctx, greetingTime)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", at)
	if err != nil {
		return ""
	}
	defer conn.Close() // only read from
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return ""
	}
	_, _ = io.WriteString(conn, "PING\r\n") // it may have closed already, and its words are still there
	line, _ := bufio.NewReader(io.LimitReader(conn, 512)).ReadString('\n')
	return strings.TrimSpace(line)
}

// unanswered says why the first command to a server had no answer.
func unanswered(ctx context.Context, at string, err error) error {
	if explained := trouble(at, err); explained != err { //nolint:errorlint // whether it is another one
		return explained
	}
	said := ""
	if failed, is := errors.AsType[*net.OpError](err); !is || failed.Op != "dial" {
		said = greeting(context.WithoutCancel(ctx), at) // the client may have used up its time
	}
	words := strings.TrimPrefix(said, "-")
	for _, t := range troubles {
		if said != words && strings.HasPrefix(words, t.prefix) {
			refused := fmt.Errorf("the Redis at %s lets nobody in: %s", at, t.means)
			if slices.Contains(passing, t.prefix) {
				refused = &passingError{refused, err}
			}
			return &job.HintedError{Err: refused, Hint: t.hint}
		}
	}
	hint := "start it, or correct the address"
	switch {
	case said != "" && said == words && !strings.HasPrefix(said, "+"):
		hint = "what answers there is no Redis; correct the port"
	case errors.Is(err, io.EOF):
		hint = "if it wants TLS, write rediss:// in place of redis://; otherwise see its log"
	case strings.Contains(err.Error(), "first record does not look like a TLS handshake"):
		hint = "it speaks no TLS: write redis:// in place of rediss://"
	}
	return &job.HintedError{Err: fmt.Errorf("the Redis at %s does not answer: %w", at, err), Hint: hint}
}

// passing are the troubles that pass by themselves.
var passing = []string{"LOADING", "MASTERDOWN"}

// passingError keeps the error of a command that had no answer, by which who waits for a
// Redis knows that it is away, behind what the server said instead.
type passingError struct{ said, err error }

func (e *passingError) Error() string { return e.said.Error() }

// Unwrap returns the error of the command.
func (e *passingError) Unwrap() error { return e.err }

// rawPassword reports whether an address has a character in its user or password that ends
// that part, so that the rest is taken for something else.
func rawPassword(address string) bool {
	_, rest, found := strings.Cut(address, "://")
	if !found {
		return false
	}
	rest, _, _ = strings.Cut(rest, "?")
	end := strings.LastIndexByte(rest, '@')
	return end >= 0 && strings.ContainsAny(rest[:end], "@/#")
}

var (
	errAddress = &job.HintedError{
		Err:  errors.New("not an address such as redis://127.0.0.1:6379/0"),
		Hint: "write redis://user:password@host:port/0, and @ / # ? % in a password as %40 %2F %23 %3F %25",
	}
	errRawPassword = &job.HintedError{
		Err:  errors.New("its password holds @, / or #, which end it there"),
		Hint: "write %40 for @, %2F for / and %23 for # in the password",
	}
)

// Full says that a Redis takes no more writes because it is full, with what to do; ""
// where it has room or does not tell. Workers cannot say so: their heartbeats are writes.
func Full(ctx context.Context, client redis.UniversalClient) string {
	info, err := client.Info(ctx, "memory").Result()
	if err != nil {
		return "" // whatever is wrong, the next command says so
	}
	var used, most int64
	for line := range strings.Lines(info) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch n, err := strconv.ParseInt(value, 10, 64); {
		case err != nil:
		case name == "used_memory":
			used = n
		case name == "maxmemory":
			most = n
		}
	}
	if most == 0 || used < most {
		return ""
	}
	return "Redis: " + redisIsFull + "; " + redisNeedsRoom
}
