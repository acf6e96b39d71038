package upload

import (
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"ringpace/media/record/chain"
	"ringpace/media/record/upload/s3test"
)

// The environment variables that make a process of the test's program one that uploads
// until it is killed.
const (
	killedDir      = "RINGPACE_TEST_UPLOAD_UNTIL_KILLED"
	killedEndpoint = "RINGPACE_TEST_UPLOAD_ENDPOINT"
)

// uploadUntilKilled uploads what a directory holds, and removes it there.
func uploadUntilKilled(dir, endpoint string) {
	log, err := chain.Open(dir)
	if err != nil {
		panic(err)
	}
	a := &archive{dir: dir, log: log, kept: make(chan struct{})}
	c := configAt(a, endpoint)
	c.Clear = true
	if _, err := start(c, a, quick()); err != nil {
		panic(err)
	}
	select {}
}

// TestKilledWhileUploading kills a process with SIGKILL in the middle of a body. Nothing is
// lost, nothing half is taken for whole, and the next one does the rest.
func TestKilledWhileUploading(t *testing.T) {
	s, a := s3test.New(t), newArchive(t, t.TempDir())
	ids := []string{"1", "2", "3", "4", "5", "6"}
	a.keep(chain.Kept, ids...)
	ctx, stop := context.WithTimeout(t.Context(), 2*patience)
	defer stop()
	child := exec.CommandContext(ctx, os.Args[0])
	child.Env = append(os.Environ(), killedDir+"="+a.dir, killedEndpoint+"="+s.URL)
	child.Stderr = t.Output()
	var puts atomic.Int32
	started, killed := make(chan struct{}), make(chan error, 1)
	s.Before(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, ".wav") && puts.Add(1) == 4 {
			<-started
			_, _ = r.Body.Read(make([]byte, 1000))
			killed <- child.Process.Kill()
			_, _ = io.Copy(io.Discard, r.Body) // ends with the connection
			return true
		}
		return false
	})
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	close(started)
	if err := child.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the process ended by itself: %v", err)
	}
	if err := <-killed; err != nil {
		t.Fatal(err)
	}
	if r := a.verified(); r.Uploaded >= len(ids) || r.Kept+r.Cleared != len(ids) {
		t.Errorf("after the end: %+v", r)
	}
	s.Before(nil)
	c := configFor(a, s)
	c.Clear = true
	u := begin(t, a, c, quick())
	eventually(t, "nothing waits", func() bool { return a.verified().Cleared == len(ids) })
	for _, id := range ids {
		if !stored(s, id) {
			t.Errorf("%s is not stored", id)
		}
		if n := s.Puts("site-1/" + placeOf(id)); n != 1 {
			t.Errorf("%s was stored %d times", id, n)
		}
	}
	u.Close()
}
