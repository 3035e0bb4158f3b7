package seal

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"reflect"
	"time"

	"gengtu/index/edition"
	"gengtu/index/problem"
)

// DeviceFile is the small JSON that names a key in a unit's own device, reached by
// a command or a unix socket. A key file holds one, a trust file {"keys": […]}.
//
// The device is given one line of JSON, {"operation", "key", "message",
// "signature"}, bytes in base64, on the command's standard input or the socket,
// whose writing half is then closed, and gives one object back: {"value"} for the
// operations sign, wrap and unwrap, {"valid"} for verify, or {"error"}. A command
// is run without a shell, for each request once.
type DeviceFile struct {
	Name string `json:"name"`
	// Algorithm is device, when only the device verifies, or ed25519 or sm2, when
	// it signs in that way and Public is the key in PEM.
	Algorithm Algorithm `json:"algorithm"`
	Public    string    `json:"public,omitempty"`
	// Key is how the device knows the key. With the algorithm device it is what
	// sender and receiver both know it by.
	Key string `json:"key,omitempty"`
	// Command is a program and its arguments, Socket the path of a unix socket:
	// one of them.
	Command []string `json:"command,omitempty"`
	Socket  string   `json:"socket,omitempty"`
	// TimeoutSeconds is how long the device may take; 0 stands for 10.
	TimeoutSeconds int    `json:"timeout_seconds,omitempty"`
	Expires        string `json:"expires,omitempty"`
	// Signs and Tiers are what the key's signatures are believed for, and what its owner
	// may send, as in a file of PEM.
	Signs []string `json:"signs,omitempty"`
	Tiers []string `json:"tiers,omitempty"`
}

const (
	deviceTimeout = 10 * time.Second
	// maxTimeoutSeconds is the longest that a device may be waited for: a person
	// may have to confirm at it.
	maxTimeoutSeconds = 600
	// maxReplyBytes is the longest reply of a device.
	maxReplyBytes = 1 << 20
)

// device is a key in a device.
type device struct {
	file   DeviceFile
	public Key
}

// isJSON tells a JSON key file from one of PEM.
func isJSON(data []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) }

// parseDevices reads one DeviceFile, or {"keys": […]} with "we" and "approvals" beside.
func parseDevices(path string, data []byte, tier edition.Tier) ([]*device, terms, error) {
	var whole struct {
		DeviceFile
		Keys      []DeviceFile `json:"keys"`
		We        string       `json:"we"`
		Approvals int          `json:"approvals"`
		Encrypt   *string      `json:"encrypt"`
	}
	if err := strictJSON(data); err != nil {
		return nil, terms{}, problem.New("SEAL_FILE", "密钥文件的 JSON 不行：%[1]v", "the JSON of the key file will not do: %[1]v", err).In(path).Because(err).
			Advise("每个成员只写一次，后面不要有别的内容", "write each member once, and nothing behind it")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&whole); err != nil {
		return nil, terms{}, problem.New("SEAL_FILE", "密钥文件的 JSON 读不懂（%v）", "the JSON of the key file cannot be read (%v)", err).In(path).Because(err)
	}
	files := whole.Keys
	if files != nil && !reflect.DeepEqual(whole.DeviceFile, DeviceFile{}) {
		return nil, terms{}, wrong("keys 旁边不写单个密钥的成员", "beside keys stands what is of one key").In(path)
	}
	if files == nil {
		files = []DeviceFile{whole.DeviceFile}
	}
	if len(files) == 0 || len(files) > MaxKeys {
		return nil, terms{}, problem.New("SEAL_FILE", "有 %d 个密钥，应为 1 至 %d 个", "%d keys, there should be 1 to %d", len(files), MaxKeys).In(path)
	}
	if whole.We != "" && !goodName(whole.We) {
		return nil, terms{}, wrong("我方名称 %.80q 不行", "our name %.80q will not do", whole.We).In(path)
	}
	if p := goodApprovals(whole.Approvals); p != nil {
		return nil, terms{}, p.In(path)
	}
	t := terms{we: whole.We, approvals: whole.Approvals}
	if whole.Encrypt != nil {
		var p *problem.Problem
		if t.encrypt, p = encryptOf(*whole.Encrypt); p != nil {
			return nil, terms{}, p.In(path)
		}
	}
	var devices []*device
	for i, f := range files {
		d, err := f.device(path, int64(i+1), tier)
		if err != nil {
			return nil, terms{}, err
		}
		devices = append(devices, d)
	}
	return devices, t, nil
}

// device checks what stands in the file.
func (f DeviceFile) device(path string, at int64, tier edition.Tier) (*device, error) {
	wrong := func(zh, en string, args ...any) error {
		return problem.New("SEAL_FILE", zh, en, args...).In(path).At(at, f.Name)
	}
	e := entry{name: f.Name, line: at}
	if !goodName(f.Name) {
		return nil, wrong("缺少 name，或它不行", "name is missing or will not do")
	}
	if (len(f.Command) > 0) == (f.Socket != "") {
		return nil, wrong("command 与 socket 要给且只给一个", "one of command and socket must be given")
	}
	if f.TimeoutSeconds < 0 || f.TimeoutSeconds > maxTimeoutSeconds {
		return nil, wrong("timeout_seconds 是 %d，应为 0 至 %d", "timeout_seconds is %d, it should be 0 to %d", f.TimeoutSeconds, maxTimeoutSeconds)
	}
	if f.Expires != "" {
		at, err := parseExpiry(f.Expires)
		if err != nil {
			return nil, wrong("日期 %.40q 读不懂，例：2027-12-31", "the date %.40q cannot be read, an example is 2027-12-31", f.Expires)
		}
		e.expires = at
	}
	if err := f.allowances(&e); err != nil {
		return nil, err.In(path).At(at, f.Name)
	}
	d := &device{file: f}
	if f.Algorithm == Device {
		if f.Key == "" {
			return nil, wrong("缺少 key", "key is missing")
		}
		d.public = e.named(Device, []byte(f.Key), d)
		return d, nil
	}
	block, _ := pem.Decode([]byte(f.Public))
	if block == nil {
		return nil, wrong("算法 %.20q 要在 public 里给 PEM 公钥", "the algorithm %.20q needs the key as PEM in public", f.Algorithm)
	}
	e.block, e.der = block.Type, block.Bytes
	k, found, err := e.key(path, tier)
	if err != nil {
		return nil, err
	}
	if !found || k.Algorithm != f.Algorithm {
		return nil, wrong("public 里的密钥不是 %.20q 的", "the key in public is none of %.20q", f.Algorithm)
	}
	d.public = k
	return d, nil
}

// allowances reads what the key is believed for into e.
func (f DeviceFile) allowances(e *entry) (p *problem.Problem) {
	if f.Signs != nil {
		if e.signs, p = purposesOf(f.Signs); p != nil {
			return p
		}
	}
	if f.Tiers != nil {
		e.tiers, p = tiersOf(f.Tiers)
	}
	return p
}

func (d *device) signer() Signer       { return d }
func (d *device) Algorithm() Algorithm { return d.public.Algorithm }
func (d *device) Public() Key          { return d.public }

// Sign has the device sign. What it gives is verified before it is returned, so
// that a wrong slot is found here and not at the receiver's.
func (d *device) Sign(ctx context.Context, message []byte) ([]byte, error) {
	r, err := d.ask(ctx, request{Operation: "sign", Message: message})
	if err != nil {
		return nil, err
	}
	good := false
	if n := len(r.Value); n > 0 && n <= MaxSignatureBytes {
		if good, err = d.public.verifier.verify(ctx, message, r.Value); err != nil {
			return nil, err
		}
	}
	if !good {
		return nil, d.wrong("给出的签名与公钥不符", "its signature does not fit the public key")
	}
	return r.Value, nil
}

func (d *device) verify(ctx context.Context, message, signature []byte) (bool, error) {
	r, err := d.ask(ctx, request{Operation: "verify", Message: message, Signature: signature})
	return r.Valid, err
}

// request is what a device is asked.
type request struct {
	Operation string `json:"operation"`
	Key       string `json:"key,omitempty"`
	Message   []byte `json:"message"`
	Signature []byte `json:"signature,omitempty"`
}

// reply is what a device answers.
type reply struct {
	Value []byte `json:"value"`
	Valid bool   `json:"valid"`
	Error string `json:"error"`
}

func (d *device) ask(ctx context.Context, r request) (reply, error) {
	wait := deviceTimeout
	if d.file.TimeoutSeconds > 0 {
		wait = time.Duration(d.file.TimeoutSeconds) * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	r.Key = d.file.Key
	line, err := json.Marshal(r)
	if err != nil {
		return reply{}, fmt.Errorf("device: %w", err)
	}
	var out []byte
	if d.file.Socket != "" {
		out, err = d.dial(ctx, append(line, '\n'))
	} else {
		out, err = d.execute(ctx, append(line, '\n'))
	}
	if err != nil {
		return reply{}, d.wrong("%v", "%v", err)
	}
	var a reply
	if err := json.Unmarshal(out, &a); err != nil {
		return reply{}, d.wrong("答复不是 JSON", "its reply is no JSON")
	}
	if a.Error != "" {
		return reply{}, d.wrong("设备说：%.200q", "the device says %.200q", a.Error)
	}
	return a, nil
}

// dial asks over the socket.
func (d *device) dial(ctx context.Context, line []byte) (out []byte, err error) {
	c, err := (&net.Dialer{}).DialContext(ctx, "unix", d.file.Socket)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if at, ok := ctx.Deadline(); ok {
		if err := c.SetDeadline(at); err != nil {
			return nil, err
		}
	}
	// The caller's interrupt ends a wait for a person at the device as well.
	defer context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })()
	if _, err := c.Write(line); err != nil {
		return nil, err
	}
	if u, ok := c.(*net.UnixConn); ok {
		if err := u.CloseWrite(); err != nil {
			return nil, err
		}
	}
	return readReply(c)
}

// execute asks by running the command.
func (d *device) execute(ctx context.Context, line []byte) ([]byte, error) {
	cmd := exec.CommandContext(ctx, d.file.Command[0], d.file.Command[1:]...)
	cmd.Stdin = bytes.NewReader(line)
	cmd.WaitDelay = time.Second
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	out, err := readReply(pipe)
	if err != nil {
		// It may not end by itself while it has more to say.
		err = errors.Join(err, cmd.Process.Kill())
	}
	return out, errors.Join(err, cmd.Wait())
}

func readReply(r io.Reader) ([]byte, error) {
	out, err := io.ReadAll(io.LimitReader(r, maxReplyBytes+1))
	if err == nil && len(out) > maxReplyBytes {
		err = fmt.Errorf("reply longer than %d bytes", maxReplyBytes)
	}
	return out, err
}

func (d *device) wrong(zh, en string, args ...any) error {
	return problem.New("SEAL_DEVICE", "密码设备 %[1]s：%[2]s", "the device %[1]s: %[3]s", d.public.Name, fmt.Sprintf(zh, args...), fmt.Sprintf(en, args...)).
		Advise("检查设备及密钥文件里的 command 或 socket", "look at the device, and at command or socket in the key file")
}
