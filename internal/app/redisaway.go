package app

import (
	"errors"
	"io"
	"net"
	"time"

	"github.com/redis/go-redis/v9"

	"nightshift/internal/admission"
)

// restoreRest is the pause before restoring what Redis lost is tried again.
const restoreRest = 500 * time.Millisecond

// redisFailed reports whether an error says that Redis is away, begins, or is in
// another life.
func redisFailed(err error) bool {
	_, unreached := errors.AsType[net.Error](err)
	return unreached || redis.IsLoadingError(err) || errors.Is(err, admission.ErrLost) || errors.Is(err, io.EOF)
}
