// Depthwise convolution: KH x KW weights for each of C x MULT outputs, output
// channel c * MULT + m from input channel c, then activation and conversion.
//
// Ports: in: ROWS x COLS vectors of C elements of W bits, P a beat; out: OUT_ROWS
// x OUT_COLS vectors of C MULT elements of WOUT bits, P MULT a beat.
// P channels are worked on at a time: CB = ceil(C / P) beats a cell.
// Parameters: window as pta_cells, conversion as pta_requant. W_FILE: word k CB + b
// for cell k (row by row), beat b: P MULT weights of WW bits, output p MULT + m at
// bit (p MULT + m) WW; B_FILE: CB words of P MULT biases of WACC bits. WACC holds
// every result. W_BLOCK 0: weights in LUTs, 1: in block RAM. RAM: as pta_mvu.
// Timing: as pta_cells, the last beat of a position 6 cycles later.
// Resources: pta_cells; P MULT DSP; CB x P MULT WACC of LUT RAM (FF if CB = 1);
// weights KH KW CB x P MULT WW; pta_requant.
`default_nettype none
module pta_depthwise #(
    parameter ROWS = 4,
    parameter COLS = 4,
    parameter C = 1,
    parameter P = 1,
    parameter MULT = 1,
    parameter W = 8,
    parameter IN_SIGNED = 1,
    parameter WW = 8,
    parameter WACC = 24,
    parameter WOUT = 8,
    parameter OUT_SIGNED = 1,
    parameter SHIFT = 8,
    parameter ROUNDING = 2,
    parameter OVERFLOW = 1,
    parameter ACT = 0,
    parameter signed [63:0] ACT_MAX = 0,
    parameter KH = 3,
    parameter KW = 3,
    parameter SH = 1,
    parameter SW = 1,
    parameter DH = 1,
    parameter DW = 1,
    parameter PT = 0,
    parameter PB = 0,
    parameter PL = 0,
    parameter PR = 0,
    parameter DEPTH = 0,
    parameter BLOCK = 0,
    parameter W_BLOCK = 0,
    parameter RAM = 0,
    parameter W_FILE = "w.hex",
    parameter B_FILE = "b.hex"
) (
    input  wire                   clk, rst,
    input  wire [P*W-1:0]         in_data,
    input  wire                   in_valid,
    output wire                   in_ready,
    output wire [P*MULT*WOUT-1:0] out_data,
    output wire                   out_valid,
    input  wire                   out_ready,
    input  wire                   mem_read, w_write, b_write,
    input  wire [31:0]            mem_address,
    input  wire [P*MULT*WW-1:0]   w_data,
    output wire [P*MULT*WW-1:0]   w_q,
    input  wire [P*MULT*WACC-1:0] b_data,
    output wire [P*MULT*WACC-1:0] b_q
);
    localparam CB = (C + P - 1) / P;
    localparam BW = CB > 1 ? $clog2(CB) : 1;
    localparam CELLS = KH * KW;
    localparam WORDS = CELLS * CB;
    localparam AW = WORDS > 1 ? $clog2(WORDS) : 1;
    localparam KB = $clog2(CELLS + 1);
    localparam L = P * MULT;
    localparam XB = IN_SIGNED != 0 ? W : W + 1;
    localparam WM = XB + WW;
    localparam ROOM = 8; // results under way at one a cycle

    wire [P*W-1:0] cell_data;
    wire cell_valid, cell_ready;
    pta_cells #(.ROWS(ROWS), .COLS(COLS), .C(C), .P(P), .W(W), .KH(KH), .KW(KW),
                .SH(SH), .SW(SW), .DH(DH), .DW(DW), .PT(PT), .PB(PB), .PL(PL),
                .PR(PR), .DEPTH(DEPTH), .BLOCK(BLOCK)) cells (
        .clk(clk), .rst(rst), .in_data(in_data), .in_valid(in_valid),
        .in_ready(in_ready), .out_data(cell_data), .out_real(),
        .out_valid(cell_valid), .out_ready(cell_ready));

    // Beat b of cell k; word: of the weights. The pipeline never stops: the last
    // cell enters it only if the FIFO has room for its results.
    reg [BW-1:0] b;
    reg [KB-1:0] k;
    reg [AW-1:0] word;
    reg [3:0] under_way;
    wire end_b = b == CB - 1;
    wire end_k = k == CELLS - 1;
    assign cell_ready = !end_k || under_way < ROOM;
    wire move = cell_valid && cell_ready;
    wire pop;
    always @(posedge clk) begin
        if (move) begin
            b <= end_b ? 0 : b + 1'b1;
            word <= end_b && end_k ? 0 : word + 1'b1;
            if (end_b) k <= end_k ? 0 : k + 1'b1;
        end
        under_way <= under_way + (move && end_k) - pop;
        if (rst) begin
            b <= 0;
            k <= 0;
            word <= 0;
            under_way <= 0;
        end
    end

    // Stages: beat and weights; operands and bias address; product and bias.
    wire [L*WW-1:0] weights;
    wire [L*WACC-1:0] bias, kept, next;
    reg [P*W-1:0] x;
    reg [2:0] valid;
    wire first, last;
    wire [BW-1:0] bias_at, at;
    always @(posedge clk) begin
        x <= cell_data;
        valid <= rst ? 0 : {valid[1:0], move};
    end
    pta_delay #(.W(2), .N(3)) flags (
        .clk(clk), .in({k == 0, end_k}), .out({first, last}));
    pta_delay #(.W(BW), .N(2)) beats (.clk(clk), .in(b), .out(bias_at));
    pta_delay #(.W(BW), .N(1)) beats_1 (.clk(clk), .in(bias_at), .out(at));
    pta_ram #(.W(L*WW), .DEPTH(WORDS), .BLOCK(W_BLOCK), .RAM(RAM),
              .FILE(W_FILE)) kernel (
        .clk(clk), .addr(word), .q(weights), .mem_read(mem_read),
        .mem_address(mem_address), .write(w_write), .data(w_data));
    pta_ram #(.W(L*WACC), .DEPTH(CB), .RAM(RAM), .FILE(B_FILE)) biases (
        .clk(clk), .addr(bias_at), .q(bias), .mem_read(mem_read),
        .mem_address(mem_address), .write(b_write), .data(b_data));
    assign w_q = RAM != 0 ? weights : 0;
    assign b_q = RAM != 0 ? bias : 0;

    genvar i;
    generate
        for (i = 0; i < L; i = i + 1) begin : lane
            wire [W-1:0] raw = x[i/MULT*W +: W];
            reg signed [XB-1:0] a;
            reg signed [WW-1:0] w;
            reg signed [WM-1:0] m;
            always @(posedge clk) begin
                a <= {IN_SIGNED != 0 && raw[W-1], raw};
                w <= weights[i*WW +: WW];
                m <= a * w;
            end
            wire signed [WACC-1:0] wide = m;
            assign next[i*WACC +: WACC] =
                (first ? bias[i*WACC +: WACC] : kept[i*WACC +: WACC]) + wide;
        end
        if (CB == 1) begin : one
            reg [L*WACC-1:0] q;
            always @(posedge clk) if (valid[2]) q <= next;
            assign kept = q;
        end else begin : many
            reg [L*WACC-1:0] q [0:CB-1];
            always @(posedge clk) if (valid[2]) q[at] <= next;
            assign kept = q[at];
        end
    endgenerate

    wire [L*WACC-1:0] sums;
    wire sums_valid, sums_ready;
    assign pop = sums_valid && sums_ready;
    pta_fifo #(.W(L*WACC), .DEPTH(ROOM)) results (
        .clk(clk), .rst(rst), .in_data(next), .in_valid(valid[2] && last),
        .in_ready(), .out_data(sums), .out_valid(sums_valid),
        .out_ready(sums_ready));
    pta_requant #(.P(L), .WIN(WACC), .WOUT(WOUT), .OUT_SIGNED(OUT_SIGNED),
                  .SHIFT(SHIFT), .ROUNDING(ROUNDING), .OVERFLOW(OVERFLOW),
                  .ACT(ACT), .ACT_MAX(ACT_MAX)) convert (
        .clk(clk), .rst(rst), .in_data(sums), .in_valid(sums_valid),
        .in_ready(sums_ready), .out_data(out_data), .out_valid(out_valid),
        .out_ready(out_ready));
endmodule
`default_nettype wire
