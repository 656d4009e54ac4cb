package job_test

import (
	"errors"
	"testing"

	"nightshift/internal/job"
)

func TestAnswerCheck(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		answer job.Answer
		want   error
	}{
		{job.Answer{Job: "aaaa", Attempt: 1}, nil},
		{job.Answer{Job: "aaaa", Attempt: 2, Inference: "job_1"}, nil},
		{job.Answer{Attempt: 1, Inference: "job_1"}, job.ErrInvalid},
		{job.Answer{Job: "aaaa", Inference: "job_1"}, job.ErrInvalid},
	} {
		if err := test.answer.Check(); !errors.Is(err, test.want) {
			t.Errorf("%+v: error %v, want %v", test.answer, err, test.want)
		}
	}
}
