// Conversion of an accumulator to a tensor's format, after an activation:
// lane for lane what pta_epilogue_ref (kernels/number.h) does without bias.
//
// Ports: in: P elements of WIN bits a beat; out: P of WOUT.
// Parameters: IN_SIGNED, OUT_SIGNED; SHIFT: fraction bits of in less those of
// out, any sign; ROUNDING, OVERFLOW, ACT: numbers of pta_rounding, pta_overflow,
// pta_activation (partita/number.h); ACT_MAX >= 0: for RELU_MAX, at in's scale.
// Timing: a beat leaves 2 cycles after it came; interval 1 cycle a beat.
// Resources: about P (2 WIN + 2 WOUT) LUT, P (WIN - SHIFT + 3 WOUT) FF.
`default_nettype none
module pta_requant #(
    parameter P = 1,
    parameter WIN = 24,
    parameter IN_SIGNED = 1,
    parameter WOUT = 8,
    parameter OUT_SIGNED = 1,
    parameter SHIFT = 8,
    parameter ROUNDING = 2, // TRN TRN_ZERO RND RND_ZERO RND_INF RND_MIN_INF RND_CONV
    parameter OVERFLOW = 1, // WRAP SAT SAT_SYM SAT_ZERO
    parameter ACT = 0,      // NONE RELU RELU_MAX
    parameter signed [63:0] ACT_MAX = 0
) (
    input  wire              clk, rst,
    input  wire [P*WIN-1:0]  in_data,
    input  wire              in_valid,
    output wire              in_ready,
    output wire [P*WOUT-1:0] out_data,
    output wire              out_valid,
    input  wire              out_ready
);
    // Beyond these shifts nothing changes: to the left every number but 0 is
    // out of range, to the right the dropped part is less than half.
    localparam RIGHT = SHIFT <= 0 ? 0 : SHIFT <= WIN + 2 ? SHIFT : WIN + 2;
    localparam LEFT = SHIFT >= 0 ? 0 : -SHIFT <= WOUT ? -SHIFT : WOUT;
    localparam WX = WIN + 1 > RIGHT ? WIN + 1 : RIGHT + 1; // floor has a bit
    localparam WR = WX - RIGHT + 1 + LEFT;                 // rounded, exact
    localparam WC = (WR > WOUT ? WR : WOUT) + 1;           // compared
    localparam signed [WC-1:0] ONE = 1;
    localparam signed [WC-1:0] MAX =
        (ONE << (OUT_SIGNED != 0 ? WOUT - 1 : WOUT)) - ONE;
    localparam signed [WC-1:0] MIN =
        OUT_SIGNED == 0 ? 0 : OVERFLOW == 2 ? -MAX : -MAX - ONE;

    // In LSBs of out, before the range.
    function signed [WR-1:0] rounded;
        input signed [WX-1:0] x;
        reg half, rest, negative, odd, up;
        reg signed [WR-1:0] floor;
        integer i;
        begin
            floor = x >>> RIGHT;
            half = 1'b0;
            rest = 1'b0;
            for (i = 0; i < RIGHT; i = i + 1)
                if (i == RIGHT - 1) half = x[i];
                else rest = rest | x[i];
            negative = x[WX-1];
            odd = floor[0];
            case (ROUNDING)
                0: up = 1'b0;
                1: up = negative && (half || rest);
                2: up = half;
                3: up = half && (rest || negative);
                4: up = half && (rest || !negative);
                5: up = half && rest;
                default: up = half && (rest || odd);
            endcase
            rounded = (floor + $signed({1'b0, up})) <<< LEFT;
        end
    endfunction

    // No element passes a cap beyond WIN bits.
    localparam CAPS = ACT == 2
                   && (WIN >= 63 || ACT_MAX < (64'sd1 <<< (WIN % 63)));
    localparam signed [WX-1:0] CAP = ACT_MAX;
    localparam signed [WR-1:0] CAPPED = rounded(CAP);

    wire ready;
    reg valid;
    wire [P*WOUT-1:0] result;
    genvar k;
    generate for (k = 0; k < P; k = k + 1) begin : lane
        wire [WIN-1:0] raw = in_data[k*WIN +: WIN];
        wire signed [WX-1:0] x =
            {{(WX-WIN){IN_SIGNED != 0 && raw[WIN-1]}}, raw};
        // Rounding keeps order, so the activation may follow it.
        reg signed [WR-1:0] r;
        reg over;
        always @(posedge clk) if (ready) begin
            r <= ACT != 0 && x[WX-1] ? 0 : rounded(x);
            over <= CAPS && x > CAP;
        end
        wire signed [WC-1:0] v = over ? CAPPED : r;
        // In range if all bits above out's are its sign; no carry chain.
        wire [WC-WOUT-1:0] above = v[WC-1:WOUT];
        wire sign = OUT_SIGNED != 0 && v[WOUT-1];
        wire [WOUT-1:0] kept = v[WOUT-1:0];
        wire fits = above == {(WC-WOUT){sign}}
                  && !(OVERFLOW == 2 && sign && kept[WOUT-2:0] == 0);
        assign result[k*WOUT +: WOUT] =
            OVERFLOW == 0 || fits ? kept
            : OVERFLOW == 3 ? 0
            : v[WC-1] ? MIN[WOUT-1:0] : MAX[WOUT-1:0];
    end endgenerate

    always @(posedge clk)
        if (rst) valid <= 1'b0;
        else if (ready) valid <= in_valid;
    assign in_ready = ready;

    pta_skid #(.W(P*WOUT)) out_skid (
        .clk(clk), .rst(rst), .in_data(result), .in_valid(valid),
        .in_ready(ready), .out_data(out_data), .out_valid(out_valid),
        .out_ready(out_ready));
endmodule
`default_nettype wire
