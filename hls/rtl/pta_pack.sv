// Elements of W bits to bus beats, each sign- or zero-extended to BYTES bytes.
//
// Ports: data only, wires; valid and ready pass it by. pta_gearbox (C_OUT =
// elements of the tensor, P_OUT = 8 / BYTES) comes before it; lanes past the
// tensor's end are zero and stay so.
// Resources: none.
`default_nettype none
module pta_pack #(
    parameter W = 8,
    parameter BYTES = 1,
    parameter SIGNED = 1
) (
    input  wire [8/BYTES*W-1:0] in_data,
    output wire [63:0]          out_data
);
    genvar i;
    generate for (i = 0; i < 8 / BYTES; i = i + 1) begin : element
        if (W == 8 * BYTES) begin : same
            assign out_data[i*W +: W] = in_data[i*W +: W];
        end else begin : extend
            wire fill = SIGNED != 0 && in_data[i*W + W - 1];
            assign out_data[i*8*BYTES +: 8*BYTES] =
                {{(8*BYTES-W){fill}}, in_data[i*W +: W]};
        end
    end endgenerate
endmodule
`default_nettype wire
