package deploy_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"nightshift/internal/simulator"
)

// needed finds a program. Without it the test is skipped, or fails in CI.
func needed(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil && os.Getenv("CI") != "" {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip(err)
	}
	return path
}

func drawSecrets(t *testing.T, folder string) {
	t.Helper()
	needed(t, "openssl")
	script := exec.CommandContext(t.Context(), needed(t, "sh"), inTree("deploy", "s3", "secrets.sh"), folder)
	if said, err := script.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
}

// contents are the files of a folder.
func contents(t *testing.T, folder string) map[string]string {
	t.Helper()
	found := make(map[string]string)
	for _, path := range filesUnder(t, folder) {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		found[filepath.Base(path)] = string(content)
	}
	return found
}

// TestComposeSecretsAreDrawnOnce runs the script of the one-shot service twice, and
// once in another folder.
func TestComposeSecretsAreDrawnOnce(t *testing.T) {
	t.Parallel()
	here, there := t.TempDir(), t.TempDir()
	drawSecrets(t, here)
	first := contents(t, here)
	drawSecrets(t, here)
	if diff := cmp.Diff(first, contents(t, here)); diff != "" {
		t.Errorf("the second start draws again:\n%s", diff)
	}
	drawSecrets(t, there)
	for name, content := range contents(t, there) {
		if name != "complete" && content == first[name] {
			t.Errorf("%s is the same everywhere", name)
		}
	}
	access := value(t, first["s3.env"], "ROOT_ACCESS_KEY_ID=")
	secret := value(t, first["s3.env"], "ROOT_SECRET_ACCESS_KEY=")
	if access != value(t, first["aws-credentials"], "aws_access_key_id = ") || secret != value(t, first["aws-credentials"], "aws_secret_access_key = ") {
		t.Error("server and clients got different credentials")
	}
	if len(access) != 20 || len(secret) != 48 {
		t.Errorf("credentials of %d and %d characters", len(access), len(secret))
	}
}

// TestComposeSecretsModes lets clients that are not root read what they need and
// nothing more.
func TestComposeSecretsModes(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	drawSecrets(t, folder)
	want := map[string]os.FileMode{
		"aws-credentials": 0o644, "s3.crt": 0o644, "s3.key": 0o600, "s3.env": 0o600, "complete": 0o600,
	}
	got := make(map[string]os.FileMode)
	for name := range contents(t, folder) {
		info, err := os.Stat(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		got[name] = info.Mode()
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// value is what follows a name in one of the lines.
func value(t *testing.T, text, name string) string {
	t.Helper()
	for line := range strings.Lines(text) {
		if found, ok := strings.CutPrefix(strings.TrimSpace(line), name); ok {
			return found
		}
	}
	t.Fatalf("no %s", name)
	return ""
}

// TestComposeCertificate serves with the drawn certificate, under the names that
// workers and the published port use.
func TestComposeCertificate(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	drawSecrets(t, folder)
	certificate, err := tls.LoadX509KeyPair(filepath.Join(folder, "s3.crt"), filepath.Join(folder, "s3.key"))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	server.StartTLS()
	defer server.Close()

	bundle := x509.NewCertPool()
	if !bundle.AppendCertsFromPEM([]byte(contents(t, folder)["s3.crt"])) {
		t.Fatal("the certificate is not PEM")
	}
	for name, want := range map[string]bool{"s3": true, "localhost": true, "127.0.0.1": true, "elsewhere": false} {
		client := &http.Client{Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: bundle, ServerName: name},
		}}
		response, err := client.Get(server.URL)
		if (err == nil) != want {
			t.Errorf("as %s: %v", name, err)
		}
		if err == nil {
			response.Body.Close()
		}
		client.CloseIdleConnections()
	}
}

// startUntilEnd starts a process of the test's context, which ends it by SIGINT.
func startUntilEnd(t *testing.T, command *exec.Cmd) {
	t.Helper()
	command.Stdout, command.Stderr = t.Output(), t.Output()
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = 10 * time.Second
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Wait() }) // it was told to end, however it does
}

// TestComposeRedis starts a Redis with the command of the file, and asks it what it
// understood.
func TestComposeRedis(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "s")
	command := composeService(t, "redis").Command
	args := append(slices.Clone(command[1:]), "--port", "0", "--unixsocket", socket, "--dir", t.TempDir())
	server := exec.CommandContext(t.Context(), needed(t, command[0]), args...)
	startUntilEnd(t, server)
	client := redis.NewClient(&redis.Options{Network: "unix", Addr: socket, MaxRetries: 50})
	defer client.Close()

	for name, want := range map[string]string{
		"appendonly": "yes", "appendfsync": "everysec", "save": "", "maxmemory-policy": "noeviction", "maxmemory": "536870912",
	} {
		got, err := client.ConfigGet(t.Context(), name).Result()
		if err != nil {
			t.Fatal(err)
		}
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
}

// TestComposeSimulator starts the simulator with the command of the file, on a free
// port, and asks for its health as the file does.
func TestComposeSimulator(t *testing.T) {
	t.Parallel()
	service := composeService(t, "simulator")
	ctx, stop := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- simulator.Main(ctx, withAddress(t, service.Command[1:], "127.0.0.1:0"), writer, t.Output())
		_ = writer.Close() // whoever waits for the line learns that none comes
	}()
	line, err := bufio.NewReader(reader).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	address := strings.TrimSpace(line[strings.LastIndex(line, "/")+1:])
	health := withAddress(t, service.HealthCheck.Test[2:], address)
	if code := simulator.Main(t.Context(), health, io.Discard, t.Output()); code != 0 {
		t.Errorf("its health check ends with %d", code)
	}
	stop()
	if code := <-ended; code != 0 {
		t.Errorf("it ends with %d", code)
	}
}

// withAddress replaces what follows -addr.
func withAddress(t *testing.T, args []string, address string) []string {
	t.Helper()
	at := slices.Index(args, "-addr") + 1
	if at == 0 || at >= len(args) {
		t.Fatalf("no -addr in %q", args)
	}
	if _, _, err := net.SplitHostPort(args[at]); err != nil {
		t.Fatal(err)
	}
	args = slices.Clone(args)
	args[at] = address
	return args
}

// TestComposeS3 runs the S3 server as the file does, where it is installed.
func TestComposeS3(t *testing.T) {
	t.Parallel()
	binary, err := exec.LookPath("versitygw")
	if err != nil {
		t.Skip(err)
	}
	secrets, data := t.TempDir(), t.TempDir()
	drawSecrets(t, secrets)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	service := composeService(t, "s3")
	inside := strings.NewReplacer("/secrets/", secrets+"/", "exec versitygw", "exec "+binary, "$$", "$")
	var args []string
	for _, arg := range slices.Concat([]string(service.Entrypoint), []string(service.Command)) {
		args = append(args, inside.Replace(arg))
	}
	args[slices.Index(args, ":7070")], args[slices.Index(args, "/data")] = address, data
	bucket := slices.Clone([]string(composeService(t, "bucket").Entrypoint))
	last := len(bucket) - 1
	bucket[last] = strings.Replace(bucket[last], "/data", data, 1)
	if said, err := exec.CommandContext(t.Context(), bucket[0], bucket[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	server := exec.CommandContext(t.Context(), args[0], args[1:]...)
	server.Dir = data
	startUntilEnd(t, server)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}, Timeout: 5 * time.Second}
	if status := answerOf(t, client, "https://"+address+"/health"); status != http.StatusOK {
		t.Errorf("its health check answers %d", status)
	}
	if status := answerOf(t, client, "https://"+address+"/nightshift"); status != http.StatusForbidden {
		t.Errorf("a stranger is answered %d, want 403", status)
	}
}

// answerOf asks until there is an answer, at most for ten seconds.
func answerOf(t *testing.T, client *http.Client, url string) int {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	patience := time.After(10 * time.Second)
	for {
		response, err := client.Get(url)
		if err == nil {
			defer response.Body.Close()
			return response.StatusCode
		}
		select {
		case <-patience:
			t.Fatal(err)
		case <-tick.C:
		}
	}
}
