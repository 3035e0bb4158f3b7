package main

import (
	"strconv"
	"strings"

	"gengtu/index/problem"
	"gengtu/tileserver"
	"gengtu/tileserver/load"
)

// limiting are the flags of what one client may take.
type limiting struct {
	address, token     string
	connections, perIP int
}

func (l *limiting) define(fs *flags) {
	fs.StringVar(&l.address, "rate-address", "", "每个地址每秒请求数[/突发数]，不给就不限；叠加、汇总等按 10 次计|requests a second from one address[/at once]; no limit where it is not given; overlays, summaries and the like count for 10")
	fs.StringVar(&l.token, "rate-token", "", "每个令牌每秒请求数[/突发数]，令牌文件另有规定的除外|requests a second with one token[/at once], but for tokens whose rate the access file sets")
	fs.IntVar(&l.connections, "connections", 0, "最多同时连接数，0 为 10000|connections at once, 0 for 10,000")
	fs.IntVar(&l.perIP, "connections-per-address", 0, "每个地址最多同时连接数，0 不限|connections at once from one address, 0 for no limit")
}

// maxRate is more than any server answers in a second.
const maxRate = 1_000_000

// limits returns what the flags say.
func (l *limiting) limits() (tileserver.Limits, error) {
	var out tileserver.Limits
	for name, n := range map[string]int{"connections": l.connections, "connections-per-address": l.perIP} {
		if n < 0 || n > maxRate {
			return out, usage("CONNECTIONS", "--%s 是 %d，应为 0 到 %d", "--%s is %d; it is from 0 to %d", name, n, maxRate)
		}
	}
	out.Connections, out.PerIP = l.connections, l.perIP
	var err error
	if out.AddressRate, err = parseRate("rate-address", l.address); err != nil {
		return out, err
	}
	out.TokenRate, err = parseRate("rate-token", l.token)
	return out, err
}

// parseRate reads "N" or "N/M", N requests a second and M at once; "" is no limit.
func parseRate(name, text string) (load.Rate, error) {
	if text == "" {
		return load.Rate{}, nil
	}
	second, atOnce, both := strings.Cut(text, "/")
	n, err := strconv.ParseFloat(second, 64)
	burst := 0
	if err == nil && both {
		burst, err = strconv.Atoi(atOnce)
	}
	if err != nil || !(n > 0 && n <= maxRate) || both && (burst < 1 || burst > maxRate) {
		return load.Rate{}, usageError{problem.New("RATE", "--%s 是 %.40q", "--%s is %.40q", name, text).
			Advise("写成 每秒请求数 或 每秒请求数/突发数，例如 200/1000", "it is requests a second, or that and how many at once: 200/1000")}
	}
	return load.Rate{PerSecond: n, Burst: burst}, nil
}
