// Command tally reads what `go test -json` prints and prints what a reader wants
// to see of it: the closing line of each package, the whole output of each test
// that failed, and the count of all. It ends with status 1 if anything failed, or
// if a test was skipped: nothing that these tests need may be missing.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
)

// event is one line of the stream (`go doc test2json`).
type event struct {
	Action, Package, ImportPath, Test, Output string
}

func main() {
	start := time.Now()
	outputs := map[string]*strings.Builder{} // of each running test
	said := map[string]*strings.Builder{}    // by each that was skipped
	packages := map[string]bool{}
	var passed, failed, broken int
	var skipped []string

	lines := bufio.NewReader(os.Stdin)
	for {
		line, err := lines.ReadBytes('\n')
		var e event
		if len(line) > 0 && json.Unmarshal(line, &e) != nil {
			os.Stdout.Write(line) // said by the go command itself
		}
		name := e.Package + " " + e.Test
		switch {
		case e.Action == "build-output":
			fmt.Print(e.Output)
		case e.Action == "build-fail":
			broken++
		case e.Action == "output" && e.Test != "":
			if outputs[name] == nil {
				outputs[name] = &strings.Builder{}
			}
			outputs[name].WriteString(e.Output)
		case e.Action == "output":
			if e.Output != "PASS\n" {
				fmt.Print(e.Output) // "ok …", "FAIL …", or a panic outside of tests
			}
		case e.Test == "":
			if e.Action == "pass" || e.Action == "fail" {
				packages[e.Package] = true
			}
			if e.Action == "fail" {
				broken++
				// Tests without a verdict: they ran when the time was up, or the program died.
				for _, name := range slices.Sorted(maps.Keys(outputs)) {
					if strings.HasPrefix(name, e.Package+" ") {
						fmt.Print(outputs[name])
						delete(outputs, name)
					}
				}
			}
		case e.Action == "pass":
			passed++
			delete(outputs, name)
		case e.Action == "skip":
			skipped = append(skipped, name)
			said[name] = outputs[name]
			delete(outputs, name)
		case e.Action == "fail":
			failed++
			if output := outputs[name]; output != nil {
				fmt.Print(output)
			}
			delete(outputs, name)
		}
		if err != nil { // the end
			break
		}
	}
	for _, name := range skipped {
		fmt.Printf("SKIP %s\n%s", name, said[name])
	}
	fmt.Printf("%d tests passed, %d failed, %d skipped, in %d packages, in %.0f s\n",
		passed, failed, len(skipped), len(packages), time.Since(start).Seconds())
	if failed > 0 || broken > 0 || len(skipped) > 0 || passed == 0 {
		os.Exit(1)
	}
}
