package demo

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math/rand/v2"
)

// official is the organisation's number that every call of the demo must show: of
// the toll-free numbers kept for fiction.
const official = "+18005550199"

// areaCodes are North American area codes. In each the numbers 555-0100 to 555-0199
// are kept for fiction: nobody has them.
var areaCodes = [...]int{
	201, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 218, 219, 224, 225, 228, 229,
	231, 234, 239, 240, 248, 251, 252, 253, 254, 256, 260, 262, 267, 269, 270, 276, 281, 301, 302, 303,
	304, 305, 307, 308, 309, 310, 312, 313, 314, 315, 316, 317, 318, 319, 320, 321, 323, 325, 330, 334,
	336, 337, 339, 347, 351, 352, 360, 361, 386, 401, 402, 404, 405, 406, 407, 408, 409, 410, 412, 413,
	414, 415, 417, 419, 423, 425, 432, 434, 435, 440, 443, 469, 478, 479, 480, 484, 501, 502, 503, 504,
	505, 507, 508, 509, 510, 512, 513, 515, 516, 517, 518, 520, 530, 540, 541, 551, 559, 561, 562, 563,
}

// MaxLeads is how many fictional numbers there are to dial.
const MaxLeads = 100 * len(areaCodes)

// people makes a list of n persons as a spreadsheet exports it: CSV with a header
// line, numbers as people write them, two columns for the agent's screen.
func people(n int, seed uint64) []byte {
	first := [...]string{"Ada", "Björn", "Chen", "Dana", "Elif", "Femi", "Grace", "Hugo", "Ines", "Jun", "Kofi", "Lena", "Mina", "Noor", "Olga", "Pablo"}
	last := [...]string{"Adler", "Bello", "Costa", "Demir", "Evans", "Fischer", "Garcia", "Hansen", "Ito", "Jensen", "Kim", "Lopez", "Moreau", "Novak", "Okafor", "Park"}
	r := rand.New(rand.NewPCG(seed, 0x6c697374))
	order := r.Perm(MaxLeads)
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	rows := [][]string{{"id", "name", "phone", "card"}}
	for i, k := range order[:n] {
		rows = append(rows, []string{
			fmt.Sprintf("L%05d", i+1),
			first[r.IntN(len(first))] + " " + last[r.IntN(len(last))],
			fmt.Sprintf("(%d) 555-%04d", areaCodes[k/100], 100+k%100),
			fmt.Sprintf("ends in %04d", r.IntN(10_000)),
		})
	}
	// Writing to a buffer cannot fail.
	_ = w.WriteAll(rows)
	return b.Bytes()
}
