// Batch normalisation as a layer: y = convert(act(x * scale[c] + shift[c])).
//
// Ports: in: vectors of C elements of WX bits, P a beat; out: C of WOUT, P a beat.
// S_FILE, B_FILE: ceil(C / P) words, lane k of a beat at bit k * WW (k * WACC) of
// its word: scales of WW bits, shifts at the accumulator's scale. WACC <= 48
// holds every sum; RAM: as pta_mvu (s_*, b_*); from SHIFT on as pta_requant.
// Timing: a beat leaves 6 cycles after it came; interval 1 cycle a beat.
// Resources: P DSP; pta_requant of P lanes.
`default_nettype none
module pta_scale_shift #(
    parameter C = 4,
    parameter P = 1,
    parameter WX = 8,
    parameter X_SIGNED = 1,
    parameter WW = 8,
    parameter WACC = 24,
    parameter WOUT = 8,
    parameter OUT_SIGNED = 1,
    parameter SHIFT = 8,
    parameter ROUNDING = 2,
    parameter OVERFLOW = 1,
    parameter ACT = 0,
    parameter signed [63:0] ACT_MAX = 0,
    parameter BLOCK = 0,
    parameter RAM = 0,
    parameter S_FILE = "s.hex",
    parameter B_FILE = "b.hex"
) (
    input  wire              clk, rst,
    input  wire [P*WX-1:0]   in_data,
    input  wire              in_valid,
    output wire              in_ready,
    output wire [P*WOUT-1:0] out_data,
    output wire              out_valid,
    input  wire              out_ready,
    input  wire              mem_read, s_write, b_write,
    input  wire [31:0]       mem_address,
    input  wire [P*WW-1:0]   s_data,
    output wire [P*WW-1:0]   s_q,
    input  wire [P*WACC-1:0] b_data,
    output wire [P*WACC-1:0] b_q
);
    localparam BEATS = (C + P - 1) / P;
    localparam AW = BEATS > 1 ? $clog2(BEATS) : 1;
    localparam XB = X_SIGNED != 0 ? WX : WX + 1;
    localparam PB = XB + WW;

    // Beats move on together: a beat is in one of memory, a, m, p.
    wire ready;
    reg [3:0] valid;
    assign in_ready = ready;
    always @(posedge clk)
        if (rst) valid <= 0;
        else if (ready) valid <= {valid[2:0], in_valid};

    // The memory reads without enable, so the address waits with the beat.
    reg [AW-1:0] beat, at;
    reg [P*WX-1:0] x0;
    always @(posedge clk) begin
        if (ready && in_valid) beat <= beat == BEATS - 1 ? 0 : beat + 1'b1;
        if (ready) at <= beat;
        if (ready) x0 <= in_data;
        if (rst) beat <= 0;
    end
    wire [AW-1:0] addr = ready ? beat : at;
    wire [P*WW-1:0] scale;
    wire [P*WACC-1:0] shift;
    pta_ram #(.W(P*WW), .DEPTH(BEATS), .BLOCK(BLOCK), .RAM(RAM),
              .FILE(S_FILE)) scales (
        .clk(clk), .addr(addr), .q(scale), .mem_read(mem_read),
        .mem_address(mem_address), .write(s_write), .data(s_data));
    pta_ram #(.W(P*WACC), .DEPTH(BEATS), .BLOCK(BLOCK), .RAM(RAM),
              .FILE(B_FILE)) shifts (
        .clk(clk), .addr(addr), .q(shift), .mem_read(mem_read),
        .mem_address(mem_address), .write(b_write), .data(b_data));
    assign s_q = RAM != 0 ? scale : 0;
    assign b_q = RAM != 0 ? shift : 0;

    wire [P*WACC-1:0] sums;
    genvar k;
    generate for (k = 0; k < P; k = k + 1) begin : lane
        wire [WX-1:0] raw = x0[k*WX +: WX];
        reg signed [XB-1:0] a;
        reg signed [WW-1:0] b;
        reg signed [PB-1:0] m;
        reg signed [WACC-1:0] c0, c, p;
        always @(posedge clk) if (ready) begin
            a <= {X_SIGNED != 0 && raw[WX-1], raw};
            b <= scale[k*WW +: WW];
            c0 <= shift[k*WACC +: WACC];
            m <= a * b;
            c <= c0;
            p <= c + m;
        end
        assign sums[k*WACC +: WACC] = p;
    end endgenerate

    pta_requant #(.P(P), .WIN(WACC), .WOUT(WOUT), .OUT_SIGNED(OUT_SIGNED),
                  .SHIFT(SHIFT), .ROUNDING(ROUNDING), .OVERFLOW(OVERFLOW),
                  .ACT(ACT), .ACT_MAX(ACT_MAX)) convert (
        .clk(clk), .rst(rst), .in_data(sums), .in_valid(valid[3]),
        .in_ready(ready), .out_data(out_data), .out_valid(out_valid),
        .out_ready(out_ready));
endmodule
`default_nettype wire
