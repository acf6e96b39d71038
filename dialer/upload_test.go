package dialer_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ringpace/dialer/api"
	"ringpace/dialer/lab/tone"
	"ringpace/media/record/chain"
	"ringpace/media/record/upload/s3test"
)

// TestUploadedRecording: a call's recording waits while the storage lacks the bucket, which
// an alarm tells, and is brought there once it has it; then the file here goes, and all
// that knows of the recording says where it is.
func TestUploadedRecording(t *testing.T) {
	t.Parallel()
	s := s3test.New(t)
	s.Before(func(w http.ResponseWriter, _ *http.Request) bool {
		s3test.Refuse(w, http.StatusNotFound, "NoSuchBucket")
		return true
	})
	h := build(t, plan{Agents: 1, Tones: true, AgentSet: "wrap_up: 0s", Recording: fmt.Sprintf(
		"upload: {endpoint: %q, bucket: %s, prefix: \"calls/{node}\", region: %s, access_key: %s, secret_key: %q, local: delete, keep_local: 0s}",
		s.URL, s3test.Bucket, s3test.Region, s3test.AccessKey, s3test.SecretKey)})
	h.load(0, 1)
	h.awaitAgent("a1001", api.AgentTalking)
	if _, err := h.daemon.Hangup(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	r := h.awaitRecords(1)[0].Recording
	if r == nil || r.Object != "s3://"+s3test.Bucket+"/calls/test/"+r.Path {
		t.Fatalf("the record has %+v", r)
	}
	h.await("the alarm", func() bool { return h.alarm("recording_upload") })
	if told := h.alarmed(); !strings.Contains(told, "there is no bucket calls") {
		t.Errorf("told: %s", told)
	}
	if status, err := h.daemon.Status(t.Context()); err != nil || status.Recording.Upload == nil || status.Recording.Upload.Waiting != 1 || !status.Ready {
		t.Errorf("%+v, %v", status, err)
	}
	s.Before(nil)
	file := filepath.Join(h.cfg.Recording.Dir, filepath.FromSlash(r.Path))
	h.await("the file here goes", func() bool {
		_, err := os.Stat(file)
		return err != nil
	})
	h.await("the alarm is over", func() bool { return !h.alarm("recording_upload") })
	o, ok := s.Object("calls/test/" + r.Path)
	if !ok || int64(len(o.Body)) != r.Bytes {
		t.Fatalf("stored: %v, %d octets of %d", s.Keys(), len(o.Body), r.Bytes)
	}
	sound, err := tone.Read(bytes.NewReader(o.Body))
	if err != nil || sound.Duration().Milliseconds() != r.DurationMS {
		t.Errorf("what is stored plays %v, %v", sound, err)
	}
	report, err := chain.Verify(t.Context(), h.cfg.Recording.Dir, chain.Options{})
	if err != nil || !report.OK() || report.Uploaded != 1 || report.Cleared != 1 {
		t.Errorf("%+v, %v", report, err)
	}
	answer, err := http.Get("http://" + h.daemon.Addr().String() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"ringpace_uploads_total 1\n", fmt.Sprintf("ringpace_upload_bytes_total %d\n", r.Bytes), "ringpace_upload_waiting 0\n",
		"ringpace_upload_oldest_waiting_seconds 0\n",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
	if strings.Contains(string(text), "ringpace_upload_failures_total 0\n") {
		t.Error("no failure is counted")
	}
}
