// Re-chunks a stream: vectors of C_IN elements, P_IN a beat, to vectors of C_OUT,
// P_OUT a beat. Elements keep their order; with C_IN != C_OUT it regroups
// (Flatten, Reshape), and the totals must match.
//
// Ports: in: P_IN elements of W bits a beat, ceil(C_IN / P_IN) beats a vector;
// out: P_OUT, ceil(C_OUT / P_OUT). Lanes past a vector's end are zero.
// Timing: an output beat leaves 1 cycle after its last element came; interval of
// as many vectors as make both sides equal = the larger number of beats.
// Resources: it works in units of G = gcd(C_IN, P_IN, C_OUT, P_OUT) elements,
// i = P_IN / G, o = P_OUT / G, D = i + o + max(i, o) - 1 units: D G W FF, and
// 1 to 3 LUT each, log2(i) for large i, 1 more if C_OUT leaves a short last beat;
// so let P_IN and P_OUT divide each other and C.
`default_nettype none
module pta_gearbox #(
    parameter W = 8,
    parameter C_IN = 16,
    parameter P_IN = 8,
    parameter C_OUT = 16,
    parameter P_OUT = 4
) (
    input  wire               clk, rst,
    input  wire [P_IN*W-1:0]  in_data,
    input  wire               in_valid,
    output wire               in_ready,
    output wire [P_OUT*W-1:0] out_data,
    output wire               out_valid,
    input  wire               out_ready
);
    function integer gcd;
        input integer a, b;
        integer i;
        begin
            gcd = 1;
            for (i = 1; i <= a; i = i + 1)
                if (a % i == 0 && b % i == 0) gcd = i;
        end
    endfunction

    localparam G = gcd(gcd(C_IN, P_IN), gcd(C_OUT, P_OUT));
    localparam GW = G * W;
    localparam I = P_IN / G;
    localparam O = P_OUT / G;
    localparam D = I + O + (I > O ? I : O) - 1;
    localparam UB = $clog2(D + 1);
    // Beats of a vector, units of its last one.
    localparam NI = (C_IN + P_IN - 1) / P_IN;
    localparam NO = (C_OUT + P_OUT - 1) / P_OUT;
    localparam LI = C_IN / G - (NI - 1) * I;
    localparam LO = C_OUT / G - (NO - 1) * O;

    reg [D*GW-1:0] units; // the oldest lowest
    reg [UB-1:0] used;
    reg [$clog2(NI+1)-1:0] at_in;
    reg [$clog2(NO+1)-1:0] at_out;
    wire last_in = at_in == NI - 1;
    wire last_out = at_out == NO - 1;

    wire [UB-1:0] gives = last_in ? LI : I;
    wire [UB-1:0] wants = last_out ? LO : O;
    assign in_ready = used <= D - I;
    assign out_valid = used >= wants;
    wire push = in_valid && in_ready;
    wire pop = out_valid && out_ready;
    wire [UB-1:0] stay = pop ? used - wants : used;

    // New units come behind those that stay; what lies beyond `used` is nothing.
    wire [D*GW-1:0] rest = !pop ? units
                           : last_out ? units >> (LO * GW) : units >> (O * GW);
    reg [D*GW-1:0] placed;
    integer n;
    genvar k;
    generate
        for (k = 0; k < O; k = k + 1) begin : lane
            if (k < LO) assign out_data[k*GW +: GW] = units[k*GW +: GW];
            else assign out_data[k*GW +: GW] =
                last_out ? 0 : units[k*GW +: GW];
        end
        for (k = 0; k < D; k = k + 1) begin : unit
            always @(posedge clk)
                units[k*GW +: GW] <= k < stay ? rest[k*GW +: GW]
                                              : placed[k*GW +: GW];
        end
        // The same either way; few units cost less each with its place compared.
        if (I <= 6) begin : few
            always @* begin
                placed = {((D + I - 1) / I){in_data}};
                for (n = 0; n <= D - I; n = n + 1)
                    if (stay == n)
                        placed[n*GW +: I*GW] = in_data;
            end
        end else begin : many
            always @* begin
                placed = in_data;
                for (n = 0; n < UB; n = n + 1)
                    if (stay[n]) placed = placed << (GW << n);
            end
        end
    endgenerate

    always @(posedge clk) begin
        used <= stay + (push ? gives : 0);
        if (push) at_in <= last_in ? 0 : at_in + 1'b1;
        if (pop) at_out <= last_out ? 0 : at_out + 1'b1;
        if (rst) begin
            used <= 0;
            at_in <= 0;
            at_out <= 0;
        end
    end
endmodule
`default_nettype wire
