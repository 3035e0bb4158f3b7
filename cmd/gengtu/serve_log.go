package main

import (
	"log/slog"

	"gengtu/tileserver"
)

// logging says what a server logs, and how.
type logging struct {
	level, format, requests string

	access *tileserver.AccessLog // once it is open
}

// define defines the flags.
func (l *logging) define(fs *flags) {
	fs.StringVar(&l.level, "log", "info", "日志级别：debug、info、warn、error|level of the log: debug, info, warn or error")
	fs.StringVar(&l.format, "log-format", string(tileserver.LogJSON), "日志写法 json、text；访问日志的 text 为 combined 格式|json or text, how logs are written; text is the combined form for the access log")
	fs.StringVar(&l.requests, "access-log", "", "访问日志文件，每个答复一行，- 为标准错误；收到 SIGHUP 重新打开|file with a line for each answer, - is standard error; opened anew at SIGHUP")
}

// check refuses a level or a format that there is not.
func (l *logging) check() error {
	if err := new(slog.Level).UnmarshalText([]byte(l.level)); l.level != "" && err != nil {
		return usage("LOG_LEVEL", "--log 是 %q，应为 debug、info、warn 或 error", "--log is %q; it is debug, info, warn or error", l.level)
	}
	switch tileserver.LogFormat(l.format) {
	case tileserver.LogJSON, tileserver.LogText, "":
		return nil
	}
	return usage("LOG_FORMAT", "--log-format 是 %q，应为 json 或 text", "--log-format is %q; it is json or text", l.format)
}

// logger returns what the program logs to; what the flags say has been checked.
func (l *logging) logger(e *env) (*slog.Logger, error) {
	var level slog.Level
	if l.level != "" {
		if err := level.UnmarshalText([]byte(l.level)); err != nil {
			return nil, err
		}
	}
	opt := &slog.HandlerOptions{Level: level}
	if tileserver.LogFormat(l.format) == tileserver.LogText {
		return slog.New(slog.NewTextHandler(e.stderr, opt)), nil
	}
	return slog.New(slog.NewJSONHandler(e.stderr, opt)), nil
}

// open opens the access log where one is asked for.
func (l *logging) open(e *env, log *slog.Logger) (err error) {
	if l.requests == "" {
		return nil
	}
	l.access, err = tileserver.OpenAccessLog(l.requests, e.stderr, tileserver.LogFormat(l.format), func(err error) { log.Error("access log not written", "error", err) })
	return err
}

// close closes the access log.
func (l *logging) close() {
	if l.access != nil {
		l.access.Close()
	}
}
