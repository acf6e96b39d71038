// Command tally runs `go test` with the flags and packages that it is given and
// prints what a reader wants to see of it: the closing line of each package, the
// whole output of each test that failed, and the count of all. It ends with status
// 1 if anything failed, or if a test was skipped: nothing that these tests need may
// be missing.
//
// Many tests speak with real peers in real time, side by side, on machines that
// others use too. So where no more than a few tests have failed, and nothing but
// their own assertions, each of them is run once more by itself. What fails there as
// well has failed. What passes there is named at the end, for it wants a look: a
// test that needs the machine to itself is to be mended.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// mostAgain is how many tests may have failed for each to be run once more.
const mostAgain = 3

// event is one line of the stream (`go doc test2json`).
type event struct {
	Action, Package, ImportPath, Test, Output string
}

// name is how the event's test is named to a reader.
func (e *event) name() string { return e.Package + " " + e.Test }

// tally is what a run has come to.
type tally struct {
	passed, skipped int
	failed          []string // "package Test", without subtests
	packages        map[string]bool
	broken          bool // something failed that is no test's assertion: a build, a panic, a data race, the time
}

func main() {
	start := time.Now()
	all := run(os.Args[1:]...)
	alone := []string{}
	if !all.broken && all.skipped == 0 && len(all.failed) <= mostAgain {
		all.failed = slices.DeleteFunc(all.failed, func(name string) bool {
			passes := passesAlone(name)
			if passes {
				alone = append(alone, name)
			}
			return passes
		})
	}
	for _, name := range alone {
		fmt.Printf("PASSED ONLY ALONE %s\n", name)
	}
	fmt.Printf("%d tests passed, %d failed, %d passed only alone, %d skipped, in %d packages, in %.0f s\n",
		all.passed, len(all.failed), len(alone), all.skipped, len(all.packages), time.Since(start).Seconds())
	if len(all.failed) > 0 || all.broken || all.skipped > 0 || all.passed == 0 {
		os.Exit(1)
	}
}

// passesAlone runs one test with nothing beside it.
func passesAlone(name string) bool {
	fmt.Printf("=== once more, alone: %s\n", name)
	pkg, test, _ := strings.Cut(name, " ")
	again := run("-race", "-count=1", "-parallel=1", "-timeout=5m", "-run=^"+test+"$", pkg)
	return again.passed > 0 && len(again.failed) == 0 && again.skipped == 0 && !again.broken
}

// run runs `go test -json` with these arguments, and prints and counts what it says.
func run(args ...string) *tally {
	test := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	test.Stderr = os.Stderr
	stream, err := test.StdoutPipe()
	if err == nil {
		err = test.Start()
	}
	if err != nil {
		fmt.Println(err)
		return &tally{broken: true}
	}
	t := read(stream)
	if err := test.Wait(); err != nil && len(t.failed) == 0 {
		t.broken = true
	}
	return t
}

// read reads the events of a run to their end.
func read(stream io.Reader) *tally {
	t := &tally{packages: map[string]bool{}}
	outputs := map[string]*strings.Builder{} // of each running test
	lines := bufio.NewReader(stream)
	for {
		line, err := lines.ReadBytes('\n')
		var e event
		if len(line) > 0 && json.Unmarshal(line, &e) != nil {
			os.Stdout.Write(line) // said by the go command itself
		}
		switch {
		case e.Action == "build-output":
			fmt.Print(e.Output)
		case e.Action == "build-fail":
			t.broken = true
		case e.Action == "output":
			t.said(&e, outputs)
		case e.Test != "":
			t.judged(&e, outputs)
		case e.Action == "pass" || e.Action == "fail":
			t.packages[e.Package] = true
			if e.Action == "fail" && !t.failedIn(e.Package) {
				t.broken = true
			}
			// Tests without a verdict: they ran when the time was up, or the program died.
			for _, name := range slices.Sorted(maps.Keys(outputs)) {
				if strings.HasPrefix(name, e.Package+" ") {
					fmt.Print(outputs[name])
					delete(outputs, name)
					t.broken = true
				}
			}
		}
		if err != nil { // the end
			return t
		}
	}
}

// failedIn tells whether a test of the package has failed.
func (t *tally) failedIn(pkg string) bool {
	return slices.ContainsFunc(t.failed, func(name string) bool { return strings.HasPrefix(name, pkg+" ") })
}

// said keeps what a test says until its verdict, and prints what nobody's is: "ok …",
// "FAIL …", or a panic outside of tests.
func (t *tally) said(e *event, outputs map[string]*strings.Builder) {
	if strings.HasPrefix(e.Output, "panic: ") || strings.HasPrefix(e.Output, "fatal error: ") || strings.HasPrefix(e.Output, "WARNING: DATA RACE") {
		t.broken = true
	}
	switch {
	case e.Test != "":
		if outputs[e.name()] == nil {
			outputs[e.name()] = &strings.Builder{}
		}
		outputs[e.name()].WriteString(e.Output)
	case e.Output != "PASS\n":
		fmt.Print(e.Output)
	}
}

// judged counts a test's verdict, and prints what it said unless it passed.
func (t *tally) judged(e *event, outputs map[string]*strings.Builder) {
	switch e.Action {
	case "pass":
		t.passed++
	case "skip":
		t.skipped++
		fmt.Printf("SKIP %s\n%s", e.name(), outputs[e.name()])
	case "fail":
		if output := outputs[e.name()]; output != nil {
			fmt.Print(output)
		}
		test, _, _ := strings.Cut(e.Test, "/")
		whole := e.Package + " " + test
		if !slices.Contains(t.failed, whole) {
			t.failed = append(t.failed, whole)
		}
	default:
		return // run, pause, cont, start
	}
	delete(outputs, e.name())
}
