// General ReLU, what pta_relu_ref (kernels/act.h) does:
//   y = convert(x >= THRESHOLD ? min(x, MAX) : alpha * (x - THRESHOLD)).
//
// Ports: in: vectors of elements of WX bits, P a beat; out: the same of WOUT.
// Parameters: UP, DOWN >= 0: alpha's fraction bits are UP - DOWN and one of them
// is 0; THRESHOLD at x's scale; MAX (if HAS_MAX) at x's scale times 2^UP / 2^DOWN,
// that is at alpha * x's. alpha: A_FILE, one word per beat of a vector (BEATS
// words; 1 if all are the same), lane k at bit k * WA, signed. SHIFT: fraction
// bits of x plus UP, less those of out; then as pta_requant.
// Timing: a beat leaves 6 cycles after it came; interval 1 cycle a beat.
// Resources: P DSP (none where alpha is 0: Yosys sees a constant word only if
// BEATS is 1), pta_requant of P lanes.
`default_nettype none
module pta_relu #(
    parameter P = 1,
    parameter WX = 8,
    parameter X_SIGNED = 1,
    parameter WA = 8,
    parameter UP = 7,
    parameter DOWN = 0,
    parameter signed [63:0] THRESHOLD = 0,
    parameter HAS_MAX = 0,
    parameter signed [63:0] MAX = 0,
    parameter BEATS = 1,
    parameter WOUT = 8,
    parameter OUT_SIGNED = 1,
    parameter SHIFT = 8,
    parameter ROUNDING = 2,
    parameter OVERFLOW = 1,
    parameter A_FILE = "a.hex"
) (
    input  wire              clk, rst,
    input  wire [P*WX-1:0]   in_data,
    input  wire              in_valid,
    output wire              in_ready,
    output wire [P*WOUT-1:0] out_data,
    output wire              out_valid,
    input  wire              out_ready
);
    // Bits of the threshold and of the maximum.
    function integer bits;
        input signed [63:0] v;
        integer i;
        begin
            bits = 1;
            for (i = 0; i < 63; i = i + 1)
                if (v[i] != v[63]) bits = i + 2;
        end
    endfunction

    localparam AW = BEATS > 1 ? $clog2(BEATS) : 1;
    localparam TB = bits(THRESHOLD);
    localparam DB = (TB > WX + 1 ? TB : WX + 1) + 1;  // x - THRESHOLD
    localparam PB = DB + WA;                          // times alpha
    localparam MB = bits(MAX) + DOWN;
    localparam XV = WX + 1 + UP;
    localparam NV = PB + DOWN;
    localparam V0 = XV > NV ? XV : NV;
    localparam WV = V0 > MB ? V0 : MB;                // any of them
    localparam signed [DB-1:0] LIMIT = THRESHOLD;
    localparam signed [WV-1:0] WIDE = MAX;
    localparam signed [WV-1:0] TOP = WIDE <<< DOWN;

    wire ready;
    reg [3:0] valid;
    assign in_ready = ready;
    always @(posedge clk)
        if (rst) valid <= 0;
        else if (ready) valid <= {valid[2:0], in_valid};

    // As in pta_scale_shift: the address waits with the beat.
    reg [AW-1:0] beat, at;
    reg [P*WX-1:0] x0;
    always @(posedge clk) begin
        if (ready && in_valid) beat <= beat == BEATS - 1 ? 0 : beat + 1'b1;
        if (ready) at <= beat;
        if (ready) x0 <= in_data;
        if (rst) beat <= 0;
    end
    wire [P*WA-1:0] alpha;
    pta_rom #(.W(P*WA), .DEPTH(BEATS), .FILE(A_FILE)) alphas (
        .clk(clk), .addr(ready ? beat : at), .q(alpha));

    wire [P*WV-1:0] values;
    genvar k;
    generate for (k = 0; k < P; k = k + 1) begin : lane
        wire [WX-1:0] raw = x0[k*WX +: WX];
        wire signed [DB-1:0] x = {{(DB-WX){X_SIGNED != 0 && raw[WX-1]}}, raw};
        reg signed [DB-1:0] d, x1, x2;
        reg signed [WA-1:0] a;
        reg signed [PB-1:0] m;
        reg signed [WV-1:0] v;
        reg below;
        wire signed [WV-1:0] over = x2, under = m;
        wire signed [WV-1:0] raised = over <<< UP;
        always @(posedge clk) if (ready) begin
            d <= x - LIMIT;
            a <= alpha[k*WA +: WA];
            x1 <= x;
            m <= d * a;
            x2 <= x1;
            below <= d[DB-1];
            v <= below ? under <<< DOWN
                 : HAS_MAX != 0 && raised > TOP ? TOP : raised;
        end
        assign values[k*WV +: WV] = v;
    end endgenerate

    pta_requant #(.P(P), .WIN(WV), .WOUT(WOUT), .OUT_SIGNED(OUT_SIGNED),
                  .SHIFT(SHIFT), .ROUNDING(ROUNDING),
                  .OVERFLOW(OVERFLOW)) convert (
        .clk(clk), .rst(rst), .in_data(values), .in_valid(valid[3]),
        .in_ready(ready), .out_data(out_data), .out_valid(out_valid),
        .out_ready(out_ready));
endmodule
`default_nettype wire
