// Matrix-vector unit, int8: two products in one DSP48E1.
//
// Ports, parameters, files and folding as pta_mvu, but WX, WW <= 8, no weight is
// -128 (the least of WW bits), and LC <= 4 (X_SIGNED 0: <= 2).
//
// Rows 2q and 2q + 1 share a DSP: the pre-adder makes (w1 << 17) + w0, the
// multiplier takes the element of x, and a chain adds LC of these products. The
// low 17 bits are row 2q's sum, |sum| <= 4 * 128 * 127 (2 * 255 * 127) < 2^16;
// above them is row 2q + 1's, less the borrow that bit 16 shows.
//
// Timing: with lc = min(LC, SIMD), T = ceil(log2(ceil(SIMD / lc))):
//   latency, first beat in to last beat out = steps + T + lc + 6 (lc 1: 6)
//   interval = steps
// Resources: ceil(PE / 2) * SIMD DSP; weights PE * SIMD * WW x steps.
`default_nettype none
module pta_mvu_packed #(
    parameter M = 4,
    parameter N = 8,
    parameter PE = 2,
    parameter SIMD = 2,
    parameter WX = 8,
    parameter X_SIGNED = 1,
    parameter WW = 8,
    parameter WACC = 24,
    parameter ORDER = 0,
    parameter BLOCK = 0,
    parameter RAM = 0,
    parameter LC = 4,
    parameter W_FILE = "w.hex",
    parameter B_FILE = "b.hex"
) (
    input  wire               clk, rst,
    input  wire [SIMD*WX-1:0] in_data,
    input  wire               in_valid,
    output wire               in_ready,
    output wire [PE*WACC-1:0] out_data,
    output wire               out_valid,
    input  wire               out_ready,
    input  wire               mem_read, w_write, b_write,
    input  wire [31:0]        mem_address,
    input  wire [SIMD*PE*WW-1:0] w_data,
    output wire [SIMD*PE*WW-1:0] w_q,
    input  wire [PE*WACC-1:0] b_data,
    output wire [PE*WACC-1:0] b_q
);
    localparam NG = (N + SIMD - 1) / SIMD;
    localparam MG = (M + PE - 1) / PE;
    localparam RW = MG > 1 ? $clog2(MG) : 1;
    localparam LEN = LC < SIMD ? LC : SIMD;
    localparam CHAINS = (SIMD + LEN - 1) / LEN;
    localparam AFTER = LEN == 1 ? 4 : 4 + LEN;
    localparam ROOM = 1 << $clog2(AFTER + $clog2(CHAINS) + 6);
    localparam XB = X_SIGNED != 0 ? WX : WX + 1;
    localparam PAIRS = (PE + 1) / 2;
    localparam SW = 18;
    localparam PB = 36; // used bits of P

    wire step_valid, step_first, step_last, pop;
    wire [RW-1:0] step_row;
    wire [SIMD*WX-1:0] x;
    wire [SIMD*PE*WW-1:0] w;
    pta_mvu_steps #(.NG(NG), .MG(MG), .XW(SIMD*WX), .WW(SIMD*PE*WW),
                    .ORDER(ORDER), .BLOCK(BLOCK), .RAM(RAM), .ROOM(ROOM),
                    .W_FILE(W_FILE)) steps (
        .clk(clk), .rst(rst), .in_data(in_data), .in_valid(in_valid),
        .in_ready(in_ready), .step_valid(step_valid), .step_first(step_first),
        .step_last(step_last), .step_row(step_row), .x(x), .w(w), .pop(pop),
        .mem_read(mem_read), .mem_address(mem_address), .w_write(w_write),
        .w_data(w_data));
    assign w_q = RAM != 0 ? w : 0;

    // Lanes and chains as in pta_mvu.
    wire [SIMD*PAIRS*PB-1:0] p;
    wire [CHAINS*PE*SW-1:0] parts;
    genvar s, q;
    generate
        for (s = 0; s < SIMD; s = s + 1) begin : lane
            localparam CHAIN = s / LEN;
            localparam REST = SIMD - CHAIN * LEN;
            localparam PLACE = s % LEN + (REST < LEN ? LEN - REST : 0);
            wire [WX-1:0] x_raw;
            wire [PE*WW-1:0] w_raw;
            wire signed [XB-1:0] x_now;
            pta_delay #(.W(WX), .N(PLACE)) x_delay (
                .clk(clk), .in(x[s*WX +: WX]), .out(x_raw));
            pta_delay #(.W(PE*WW), .N(PLACE)) w_delay (
                .clk(clk), .in(w[s*PE*WW +: PE*WW]), .out(w_raw));
            if (X_SIGNED != 0) assign x_now = x_raw;
            else assign x_now = {1'b0, x_raw};

            for (q = 0; q < PAIRS; q = q + 1) begin : pair
                wire signed [WW-1:0] w0 = w_raw[2*q*WW +: WW];
                wire signed [WW-1:0] w1;
                if (2 * q + 1 < PE) assign w1 = w_raw[(2*q+1)*WW +: WW];
                else assign w1 = 0;
                reg signed [24:0] a, d, ad;
                reg signed [XB-1:0] b1, b2;
                reg signed [PB-1:0] m;
                always @(posedge clk) begin
                    a <= {{(25-WW){w1[WW-1]}}, w1} << 17;
                    d <= w0;
                    ad <= d + a;
                    b1 <= x_now;
                    b2 <= b1;
                    m <= ad * b2;
                end
                if (LEN == 1) begin : alone
                    assign p[(s*PAIRS+q)*PB +: PB] = m;
                end else begin : chain
                    reg signed [PB-1:0] sum;
                    if (s % LEN == 0) begin : head
                        always @(posedge clk) sum <= m;
                    end else begin : next
                        always @(posedge clk)
                            sum <= $signed(p[((s-1)*PAIRS+q)*PB +: PB]) + m;
                    end
                    assign p[(s*PAIRS+q)*PB +: PB] = sum;
                end
                if (s % LEN == LEN - 1 || s == SIMD - 1) begin : tail
                    wire [PB-1:0] both = p[(s*PAIRS+q)*PB +: PB];
                    reg signed [SW-1:0] s0, s1;
                    always @(posedge clk) begin
                        s0 <= $signed(both[16:0]);
                        s1 <= both[34:17] + both[16];
                    end
                    assign parts[(CHAIN*PE+2*q)*SW +: SW] = s0;
                    if (2 * q + 1 < PE)
                        assign parts[(CHAIN*PE+2*q+1)*SW +: SW] = s1;
                end
            end
        end
    endgenerate

    pta_mvu_sums #(.PE(PE), .PARTS(CHAINS), .SW(SW), .WACC(WACC), .MG(MG),
                   .NG(NG), .ORDER(ORDER), .AFTER(AFTER), .ROOM(ROOM), .RAM(RAM),
                   .B_FILE(B_FILE)) sums (
        .clk(clk), .rst(rst), .step_valid(step_valid), .step_first(step_first),
        .step_last(step_last), .step_row(step_row), .parts(parts), .pop(pop),
        .out_data(out_data), .out_valid(out_valid), .out_ready(out_ready),
        .mem_read(mem_read), .mem_address(mem_address), .b_write(b_write),
        .b_data(b_data), .b_q(b_q));
endmodule
`default_nettype wire
