package lead

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Columns maps the columns of a list to what they mean: for each, the headings
// that stand for it. Headings are compared without regard to case, spaces and
// punctuation. Where a list has none of the headings named here, the usual
// English and Chinese ones are looked for (see usual). A column that stands for
// nothing becomes a field of the lead under its own heading.
type Columns struct {
	Phone    []string `yaml:"phone"` // every one is a number of the person, tried in this order
	ID       []string `yaml:"id"`
	Priority []string `yaml:"priority"`
	Due      []string `yaml:"due"`
	Deadline []string `yaml:"deadline"`
	TimeZone []string `yaml:"time_zone"`
}

// ColumnsFrom makes Columns of pairs from heading to role, the roles being
// phone, id, priority, due, deadline and time_zone.
func ColumnsFrom(pairs map[string]string) (Columns, error) {
	var c Columns
	roles := c.roles()
	for heading, name := range pairs {
		i := slices.IndexFunc(roles, func(r role) bool { return r.name == name })
		if i < 0 {
			names := make([]string, len(roles))
			for k, r := range roles {
				names[k] = r.name
			}
			return Columns{}, fmt.Errorf("lead: a column cannot stand for %q; there is %s", name, strings.Join(names, ", "))
		}
		*roles[i].headings = append(*roles[i].headings, heading)
	}
	for _, r := range roles {
		slices.Sort(*r.headings) // a map has no order; be the same every time
	}
	return c, c.Check()
}

// Check reports a heading that is given two meanings.
func (c Columns) Check() error {
	seen := make(map[string]string)
	for _, r := range c.roles() {
		for _, h := range *r.headings {
			n := fold(h)
			if n == "" {
				return fmt.Errorf("%s: %q is no heading; write the text of the column's first line", r.name, h)
			}
			if other, ok := seen[n]; ok && other != r.name {
				return fmt.Errorf("the heading %q stands for %s and for %s; keep one", h, other, r.name)
			}
			seen[n] = r.name
		}
	}
	return nil
}

// role is what a column may stand for, and the headings that say so.
type role struct {
	name     string
	headings *[]string
}

func (c *Columns) roles() []role {
	return []role{
		{"phone", &c.Phone},
		{"id", &c.ID},
		{"priority", &c.Priority},
		{"due", &c.Due},
		{"deadline", &c.Deadline},
		{"time_zone", &c.TimeZone},
	}
}

// usual is the headings that need no configuration.
func usual() Columns {
	return Columns{
		Phone: []string{
			"phone", "phone number", "phone no", "phone 1", "phone 2", "phone 3", "mobile", "mobile phone", "mobile number",
			"mobile no", "cell", "cell phone", "telephone", "telephone number", "tel", "tel no", "number", "msisdn", "contact number",
			"home phone", "work phone", "office phone", "business phone", "alternate phone", "alt phone", "landline",
			"电话", "电话号码", "电话1", "电话2", "电话3", "联系电话", "手机", "手机号", "手机号码", "移动电话", "号码", "固话", "座机", "固定电话",
			"家庭电话", "住宅电话", "办公电话", "单位电话", "公司电话", "备用电话", "備用電話", "電話", "電話號碼", "聯絡電話", "手機", "手機號碼",
		},
		ID: []string{
			"id", "lead id", "customer id", "customer no", "customer number", "client id", "account id", "account no", "contact id",
			"编号", "客户编号", "客户号", "客户id", "序号", "編號", "客戶編號",
		},
		Priority: []string{"priority", "prio", "优先级", "優先級"},
		Due:      []string{"due", "due at", "due date", "call after", "not before", "预约时间", "外呼时间", "回访时间"},
		Deadline: []string{"deadline", "not after", "call before", "expires", "截止时间", "截止日期", "有效期"},
		TimeZone: []string{"time zone", "timezone", "tz", "时区", "時區"},
	}
}

// fold makes headings comparable: "Phone-No." is "phoneno".
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || r == '#' {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}
