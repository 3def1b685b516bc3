// Two streams into one, element by element: fractions aligned exactly, exact
// operation, activation, one conversion (pta_merge_ref with two inputs).
//
// Ports: in0, in1: P elements of W0, W1 bits a beat; out: P of WOUT.
// Parameters: SIGNED0, SIGNED1; FRAC0, FRAC1, FRAC_OUT: fraction bits; OP 0 add,
// 1 subtract (in0 - in1), 2 multiply, 3 average, 4 maximum; OUT_SIGNED, ROUNDING,
// OVERFLOW, ACT as pta_requant; ACT_MAX >= 0 with ACT_FRAC fraction bits.
// More inputs: joins one after another, the inner ones with an exact format.
// It holds one beat of an early input: the FIFO of a skip branch stands before it.
// Timing: a beat leaves 5 cycles after the later of its two inputs; interval 1
// cycle a beat.
// Resources: 2 P (W0 + W1 + result) FF, P adders (OP 2: multipliers), pta_requant.
`default_nettype none
module pta_join_binary #(
    parameter P = 1,
    parameter OP = 0,
    parameter W0 = 8,
    parameter SIGNED0 = 1,
    parameter FRAC0 = 0,
    parameter W1 = 8,
    parameter SIGNED1 = 1,
    parameter FRAC1 = 0,
    parameter WOUT = 8,
    parameter OUT_SIGNED = 1,
    parameter FRAC_OUT = 0,
    parameter ROUNDING = 2,
    parameter OVERFLOW = 1,
    parameter ACT = 0,
    parameter signed [63:0] ACT_MAX = 0,
    parameter ACT_FRAC = 0
) (
    input  wire              clk, rst,
    input  wire [P*W0-1:0]   in0_data,
    input  wire              in0_valid,
    output wire              in0_ready,
    input  wire [P*W1-1:0]   in1_data,
    input  wire              in1_valid,
    output wire              in1_ready,
    output wire [P*WOUT-1:0] out_data,
    output wire              out_valid,
    input  wire              out_ready
);
    // Of the operands, and of the exact result, which a cap may want finer.
    localparam MUL = OP == 2;
    localparam FINER = FRAC0 > FRAC1 ? FRAC0 : FRAC1;
    localparam EXACT = MUL ? FRAC0 + FRAC1 : FINER;
    localparam FRAC = ACT == 2 && ACT_FRAC > EXACT ? ACT_FRAC : EXACT;
    localparam UP0 = MUL ? 0 : FRAC - FRAC0;
    localparam UP1 = MUL ? 0 : FRAC - FRAC1;
    localparam UP = MUL ? FRAC - EXACT : 0;
    localparam WA = W0 + 1 + UP0;
    localparam WB = W1 + 1 + UP1;
    localparam WR = (MUL ? WA + WB : WA > WB ? WA : WB) + 1 + UP;
    localparam HALF = OP == 3 ? 1 : 0; // the sum is twice the average
    localparam signed [63:0] CAP =
        ACT == 2 ? ACT_MAX <<< (FRAC - ACT_FRAC + HALF) : 0;

    wire [P*W0-1:0] x0;
    wire [P*W1-1:0] x1;
    wire valid0, valid1, ready;
    wire take = valid0 && valid1 && ready;
    pta_skid #(.W(P*W0)) skid0 (
        .clk(clk), .rst(rst), .in_data(in0_data), .in_valid(in0_valid),
        .in_ready(in0_ready), .out_data(x0), .out_valid(valid0),
        .out_ready(take));
    pta_skid #(.W(P*W1)) skid1 (
        .clk(clk), .rst(rst), .in_data(in1_data), .in_valid(in1_valid),
        .in_ready(in1_ready), .out_data(x1), .out_valid(valid1),
        .out_ready(take));

    reg [1:0] valid;
    always @(posedge clk) begin
        if (ready) valid <= {valid[0], valid0 && valid1};
        if (rst) valid <= 2'b0;
    end

    wire [P*WR-1:0] results;
    genvar i;
    generate for (i = 0; i < P; i = i + 1) begin : lane
        wire [W0-1:0] raw0 = x0[i*W0 +: W0];
        wire [W1-1:0] raw1 = x1[i*W1 +: W1];
        wire signed [WA-1:0] wide0 =
            {{(WA-W0){SIGNED0 != 0 && raw0[W0-1]}}, raw0};
        wire signed [WB-1:0] wide1 =
            {{(WB-W1){SIGNED1 != 0 && raw1[W1-1]}}, raw1};
        reg signed [WA-1:0] a;
        reg signed [WB-1:0] b;
        reg signed [WR-1:0] r;
        wire signed [WR-1:0] ar = a;
        wire signed [WR-1:0] br = b;
        always @(posedge clk) if (ready) begin
            a <= wide0 <<< UP0;
            b <= wide1 <<< UP1;
            case (OP)
                1: r <= ar - br;
                2: r <= a * b;
                4: r <= ar > br ? ar : br;
                default: r <= ar + br;
            endcase
        end
        assign results[i*WR +: WR] = r <<< UP;
    end endgenerate

    pta_requant #(.P(P), .WIN(WR), .WOUT(WOUT), .OUT_SIGNED(OUT_SIGNED),
                  .SHIFT(FRAC + HALF - FRAC_OUT), .ROUNDING(ROUNDING),
                  .OVERFLOW(OVERFLOW), .ACT(ACT), .ACT_MAX(CAP)) convert (
        .clk(clk), .rst(rst), .in_data(results), .in_valid(valid[1]),
        .in_ready(ready), .out_data(out_data), .out_valid(out_valid),
        .out_ready(out_ready));
endmodule
`default_nettype wire
