package progress

import (
	"os"
	"testing"
	"time"
)

// Times of day are shown as the reader's clock has them; here that is UTC.
func TestMain(m *testing.M) {
	time.Local = time.UTC
	os.Exit(m.Run())
}
